"""Files of every stage.

Each is written to a temporary sibling and renamed, so no reader ever sees half of one.
"""

import errno
import fcntl
import glob
import io
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pandas as pd

DAY = 86400.0  # seconds


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary sibling of ``path``, and rename it to ``path``."""
    with _sibling(path) as temporary:
        write(temporary)
        temporary.replace(path)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write some files so that none is replaced before all are complete."""
    with ExitStack() as stack:
        temporary = {path: stack.enter_context(_sibling(path)) for path in contents}
        for path, content in contents.items():
            temporary[path].write_bytes(content)
        for path, complete in temporary.items():
            complete.replace(path)


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """The name of a temporary file beside ``path``; what is left of it is removed at the end.

    Siblings that killed processes left behind are removed too. Those of other machines, or of a
    process number that is in use again, are removed once they are a day old.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        _sweep(stale)
    temporary = path.with_name(f".{path.name}.{socket.gethostname()}-{os.getpid()}.tmp")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(stale: Path) -> None:
    """Remove a temporary file unless another process may still be writing it."""
    host, _, process = stale.name.removesuffix(".tmp").rpartition("-")
    with suppress(FileNotFoundError):
        is_here = host.endswith(f".{socket.gethostname()}")
        is_left = is_here and not (process.isdecimal() and _is_alive(int(process)))
        if is_left or time.time() - stale.stat().st_mtime > DAY:
            stale.unlink()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # alive, and another user's
    return True


def try_lock(path: Path, wait: bool = False) -> IO[str] | None:
    """A file that holds an exclusive lock as long as it is open.

    None if another process holds the lock and we do not ``wait``. The lock ends with its process,
    however that ends. On a file system without locks, no process is kept out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        return None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
    return file


@contextmanager
def alone(path: Path, wait: Callable[[], object]) -> Iterator[None]:
    """Hold the lock on ``path``, and remove that file at the end.

    ``wait`` is called before waiting for another process.
    """
    held = try_lock(path)
    if held is None:
        wait()
    # the process that had the lock removes the file, and others make it anew
    while held is None or not _is(path, held):
        held = try_lock(path, wait=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        held.close()


def _is(path: Path, file: IO[str]) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False


def write_json(path: Path, value: Any) -> None:
    """Indented JSON with a final newline, atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Text as UTF-8, atomically."""
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """A frame as CSV with full precision, as parquet or as Markdown, by the file's suffix.

    Raises ValueError for another suffix.
    """
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": lambda part: frame.to_csv(part, index=False, lineterminator="\n"),
        ".parquet": lambda part: frame.to_parquet(part, index=False, write_page_checksum=True),
        ".md": lambda part: part.write_text(_markdown(frame), encoding="utf-8"),
    }
    if path.suffix not in writers:
        expected = f"a table's name to end in one of {', '.join(writers)}"
        raise ValueError(f"{path}: expected {expected}, found {brief(path.suffix)!r}")
    write_atomically(path, writers[path.suffix])


def _markdown(frame: pd.DataFrame) -> str:
    return frame.to_markdown(index=False, floatfmt=".3g") + "\n"


def brief(value: object, most: int = 160) -> str:
    """What was found, for a message: one line of at most ``most`` characters, whatever it is."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):
        # an integer of thousands of digits, or a structure that holds itself
        text = f"a {type(value).__name__} too large to print"
    line = " ".join(text[: 8 * most].split())
    return line if len(line) <= most else f"{line[: most - 3]}..."  # every terminal has dots


def read_tables(paths: Iterable[Path | str]) -> pd.DataFrame:
    """CSV or parquet files as one frame.

    Raises ValueError, naming the file, if one is missing or damaged, and for no files.
    """
    frames = [_read_table(Path(path)) for path in paths]
    if not frames:
        raise ValueError("tables: expected at least one file, found none")
    return pd.concat(frames, ignore_index=True)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        content = path.read_bytes()
        if path.suffix != ".csv":
            return pd.read_parquet(io.BytesIO(content), page_checksum_verification=True)
        if not content.endswith(b"\n"):
            raise ValueError("one that was cut short")
        return pd.read_csv(io.BytesIO(content))
    except (OSError, ValueError) as error:  # of pyarrow and pandas too
        raise ValueError(f"{path}: expected a table, found {brief(str(error))}") from None
