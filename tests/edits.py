"""Edits of a checkout in which a workflow has run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import RESULTS, environment_of

PACKAGE = "src/icnewton"


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    """The edit of a file that puts ``new`` in place of the first ``old``."""

    def edit(folder):
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text, (path, old)
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def deleted(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / RESULTS / path).unlink()


def touched(*paths: str) -> Callable[[Path], None]:
    return lambda folder: [os.utime(folder / path) for path in paths] and None


def corrupted(path: str) -> Callable[[Path], None]:
    """One byte changed; `make reproduce` then begins by setting the file aside."""

    def edit(folder):
        file = folder / RESULTS / path
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        found = subprocess.run(
            [sys.executable, "-m", "icnewton.pipeline.records", "set-aside", str(RESULTS)],
            cwd=folder, env=environment_of(folder),
            capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert found.stdout == (
            f"{RESULTS / path}: not what its job wrote; kept as {file.name}.damaged and made anew\n"
        )

    return edit


def added(path: str, text: str) -> Callable[[Path], None]:
    """A new module of the package."""
    return lambda folder: (folder / PACKAGE / path).write_text(text, encoding="utf-8") and None


def copied(path: str, new: str, *names: tuple[str, str]) -> Callable[[Path], None]:
    """A new entry that is an old one by another name."""

    def edit(folder):
        text = (folder / PACKAGE / path).read_text(encoding="utf-8")
        for old, name in names:
            assert old in text
            text = text.replace(old, name)
        (folder / PACKAGE / path).with_name(new).write_text(text, encoding="utf-8")

    return edit


def again(path: str, start: str = "ENTRIES = ") -> Callable[[Path], None]:
    """A module of the package with one more value."""
    return replaced(f"{PACKAGE}/{path}", start, f"ONE = 1\n\n{start}")
