"""How commands print: trees and tables as wide as the terminal, and whole lines into a pipe."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

PIPE = 10_000  # characters, more than any line


def screen() -> Console:
    """Where a command prints; what it prints is text, never markup."""
    width = None if sys.stdout.isatty() else PIPE
    return Console(width=width, markup=False, highlight=False, emoji=False)


def table(*columns: str, words: int = 1) -> Table:
    """An empty table; the columns after the first ``words`` hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        made.add_column(column, justify="left" if place < words else "right")
    return made


def show(*things: Any) -> None:
    """Print text, trees or tables, one below the other, without blanks at the ends of lines."""
    console = screen()
    for thing in things:
        with console.capture() as capture:
            console.print(thing, soft_wrap=isinstance(thing, str))
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def show_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
