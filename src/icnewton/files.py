"""Files of every stage: written to a temporary sibling and renamed, so that no reader ever sees half of one."""

import errno
import fcntl
import glob
import json
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import pandas as pd


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary sibling and rename it to ``path``, so that no reader ever sees half a file.

    Siblings that killed processes of this machine left behind are swept away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = f".{path.name}.{socket.gethostname()}-"
    for stale in path.parent.glob(f"{glob.escape(mine)}*.tmp"):
        process = stale.name.removeprefix(mine).removesuffix(".tmp")
        if not (process.isdecimal() and _is_alive(int(process))):
            stale.unlink(missing_ok=True)
    temporary = path.with_name(f"{mine}{os.getpid()}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and another user's
    return True


def try_lock(path: Path, wait: bool = False) -> IO[str] | None:
    """A file that holds an exclusive lock as long as it is open, or None if another process holds it and we do not ``wait``.

    The lock ends with its process, however that ends. Where the file system knows no locks, nobody is kept out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
    return file


def write_json(path: Path, value: Any) -> None:
    """Indented JSON with a final newline, atomically."""
    write_atomically(path, lambda part: part.write_text(json.dumps(value, indent=2) + "\n"))


def write_text(path: Path, text: str) -> None:
    """Text as UTF-8, atomically."""
    write_atomically(path, lambda part: part.write_text(text))


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """A frame as CSV with full precision, or as parquet or Markdown, by the file's suffix."""
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": lambda part: frame.to_csv(part, index=False, lineterminator="\n"),
        ".parquet": lambda part: frame.to_parquet(part, index=False),
        ".md": lambda part: part.write_text(frame.to_markdown(index=False, floatfmt=".3g") + "\n"),
    }
    write_atomically(path, writers[path.suffix])


def brief(value: object, most: int = 160) -> str:
    """What was found, for a message: one line of at most ``most`` characters, whatever it is."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or a structure that holds itself
        text = f"a {type(value).__name__} too large to print"
    line = " ".join(text[: 8 * most].split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def read_tables(paths: Iterable[Path | str]) -> pd.DataFrame:
    """CSV or parquet files as one frame."""
    frames = [pd.read_csv(path) if str(path).endswith(".csv") else pd.read_parquet(path) for path in paths]
    return pd.concat(frames, ignore_index=True)
