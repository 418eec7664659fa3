"""Is a folder of results whole and untouched?"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from icnewton.commands import Command
from icnewton.commands.parts.screen import duration, show

if TYPE_CHECKING:
    from icnewton.pipeline.records import Record


def arguments(parser: ArgumentParser) -> None:
    """The folder."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder of results")


def run(options: Namespace) -> bool:
    """Print what is out of order, and a summary."""
    from icnewton.pipeline.records import read_records, verify

    folder: Path = options.folder
    whole, problems = verify(folder)
    if not whole and not problems:
        raise ValueError(f"{folder}: expected results of make reproduce, found none")
    show(*problems)
    if records := read_records(folder)[0]:
        show(summary(records))
    show(f"{whole} files of {folder} are what their jobs wrote, {len(problems)} problems")
    return bool(whole) and not problems


def summary(records: Sequence["Record"]) -> str:
    """When, where and from which code the jobs ran, in a line; records are ordered by time."""
    began = datetime.fromisoformat(records[0].started)
    ended = max(
        datetime.fromisoformat(record.started) + timedelta(seconds=record.seconds)
        for record in records
    )
    work = duration(sum(record.seconds for record in records))
    devices = ", ".join(sorted({record.device for record in records}))
    commits = ", ".join(dict.fromkeys(record.commit for record in records))
    return (
        f"{len(records)} jobs between {began:%Y-%m-%d %H:%M} and {ended:%Y-%m-%d %H:%M}, "
        f"{work} of work on {devices}, commit {commits}"
    )


ENTRIES = {
    "verify": Command(
        says="Tell whether a folder of results is whole and untouched.",
        examples=("results/laptop",),
        arguments=arguments,
        run=run,
    )
}
