"""What made each file: a record beside every job's results, and checks of a whole folder against
its records.

A record is JSON under ``records/``, written when all outputs are; paths are relative to the folder
of results, which can therefore be moved and still be verified.

    icnewton verify results/laptop                                 is it whole and untouched?
    icnewton trace results/laptop/FILE                             what was it made from, to seeds?
    python -m icnewton.pipeline.records set-aside results/laptop   rename what no job wrote
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from icnewton.files import brief, try_lock, write_json
from icnewton.typed import typed

RECORDS = "records"
UNRECORDED = ("logs", "checkpoints", RECORDS)  # folders whose files no record describes
DAMAGED = ".damaged"
RUNNING = Path(".snakemake/icnewton.lock")  # held by the run that is at work in a checkout
AT_WORK = "another run is at work in this folder, or just ending"


@dataclass(frozen=True)
class Record:
    """A job that ended well. inputs and outputs: file -> digest; given: the same of files of the
    checkout, such as released models; params: every value that it depended on, the digest of its
    code among them; seconds: from its start to this record; modules: those of this package that
    its process had imported in the end.
    """

    rule: str
    wildcards: Mapping[str, str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    params: Mapping[str, Any]
    commit: str
    versions: Mapping[str, str]
    device: str
    started: str
    seconds: float
    given: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule and its wildcards, such as ``figure figure2``."""
        return " ".join([self.rule, *self.wildcards.values()])


@cache
def file_digest(path: Path, size: int, changed: int) -> str:
    """Thirty-two hexadecimal digits of a file's content; its size and time of change in nanoseconds
    make a second look free.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def digest_of(path: Path) -> str | None:
    """The digest of a file, or None where there is none."""
    if not path.is_file():
        return None
    facts = path.stat()
    return file_digest(path, facts.st_size, facts.st_mtime_ns)


def write_record(path: Path, record: Record) -> None:
    """Write a record, atomically."""
    write_json(path, asdict(record))


def read_record(path: Path) -> Record:
    """The record in a file; raises ValueError, naming it, if it is none."""
    try:
        record = typed(Record, json.loads(path.read_text(encoding="utf-8")))
        for name in (*record.inputs, *record.outputs):
            if Path(name).is_absolute() or ".." in Path(name).parts or not name.isprintable():
                raise ValueError(f"a file outside the folder of results, {name!r}")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: expected a record of a job, found {brief(str(error))}") from None
    return record


def read_records(folder: Path) -> tuple[list[Record], dict[Path, str]]:
    """The records of a folder of results, oldest first, and what is wrong with unreadable ones."""
    records, unreadable = [], {}
    for path in sorted((folder / RECORDS).rglob("*.json")):
        try:
            records.append(read_record(path))
        except ValueError as error:
            unreadable[path] = str(error)
    return sorted(records, key=lambda record: record.started), unreadable


def outputs(records: Iterable[Record]) -> dict[str, str]:
    """Every output with its digest in the newest record of it."""
    return {name: digest for record in records for name, digest in record.outputs.items()}


def damaged(folder: Path) -> list[Path]:
    """Files that are there and are not what their job wrote."""
    known = outputs(read_records(folder)[0])
    return [
        folder / name
        for name, digest in known.items()
        if digest_of(folder / name) not in (None, digest)
    ]


def verify(folder: Path) -> tuple[int, list[str]]:
    """How many files are what their job wrote, and a sentence for each thing out of order."""
    records, unreadable = read_records(folder)
    known, problems = outputs(records), [*unreadable.values()]
    found = {
        name: digest_of(folder / name)
        for record in records
        for name in (*record.outputs, *record.inputs)
    }
    for name, digest in known.items():
        if found[name] is None:
            problems.append(f"{folder / name}: missing")
        elif found[name] != digest:
            problems.append(f"{folder / name}: not what its job wrote")
    for record in records:
        others = [
            name
            for name, digest in record.inputs.items()
            if found[name] != digest and found[name] == known.get(name, found[name])
        ]
        # of a folder that was moved away from released models, nothing can be said
        others += [
            name
            for name, digest in record.given.items()
            if digest_of(Path(name)) not in (None, digest)
        ]
        made = folder / next(iter(record.outputs), "")
        problems += [
            f"{made}: made from another {name} than the one that is there" for name in others
        ]
    problems += [f"{path}: no record tells what made it" for path in _others(folder, known)]
    return sum(found[name] == digest for name, digest in known.items()), problems


def set_aside(folder: Path) -> Iterator[str]:
    """Rename every file that is not what its job wrote, so that the next run makes it anew; a
    sentence for each.

    Where a record cannot be read, nobody knows which files it vouched for: all without a record are
    renamed.
    """
    suspects = {path: "not what its job wrote" for path in damaged(folder)}
    records, unreadable = read_records(folder)
    if unreadable:
        suspects |= dict.fromkeys(_others(folder, outputs(records)), "its record cannot be read")
    for path, error in unreadable.items():
        path.unlink()
        yield f"{error}; deleted"
    for path, reason in suspects.items():
        kept = path.resolve()  # a link leads into a cache, which would give the same content again
        kept.replace(kept.with_name(kept.name + DAMAGED))
        path.unlink(missing_ok=True)
        yield f"{path}: {reason}; kept as {kept.name}{DAMAGED} and made anew"


def set_aside_alone(folder: Path) -> None:
    """Set files aside, and say which, while no run is at work in this checkout: one in progress is
    waited for.
    """
    held = try_lock(RUNNING)
    if held is None:
        print(f"{AT_WORK}: waiting for it", flush=True)
        held = try_lock(RUNNING, wait=True)
    metadata = Path(".snakemake/metadata")
    if (folder / RECORDS).exists() and not metadata.exists():
        raise ValueError(
            f"{folder}: expected Snakemake's notes of how it was made in {metadata}, found none, "
            "so that changes would go unnoticed; bring them back or move the folder away"
        )
    for line in set_aside(folder):
        print(line)
    if held is not None:
        held.close()


@dataclass(frozen=True)
class Lineage:
    """What a file was made from. name: the file, relative to its folder of results; made: the job
    that wrote it; makers: file -> the job that wrote it, for every file of the folder.
    """

    name: str
    made: Record
    makers: Mapping[str, Record]

    def parents(self, record: Record) -> list[tuple[list[str], Record]]:
        """The jobs that made a job's inputs, each once, with those inputs."""
        used: dict[int, tuple[list[str], Record]] = {}
        for name in record.inputs:
            if (maker := self.makers.get(name)) is not None:
                used.setdefault(id(maker), ([], maker))[0].append(name)
        return [*used.values()]

    def jobs(self) -> list[Record]:
        """The job that made the file, those that made its inputs, and so on, each once."""
        found, waiting = {}, [self.made]
        while waiting:
            record = waiting.pop(0)
            if id(record) not in found:
                found[id(record)] = record
                waiting += [parent for _, parent in self.parents(record)]
        return [*found.values()]


def lineage(file: Path) -> Lineage:
    """What a file was made from.

    Raises ValueError, naming the file, unless it is there, and what its job wrote.
    """
    file = Path(os.path.normpath(file))
    folder = next((parent for parent in file.parents if (parent / RECORDS).is_dir()), None)
    if folder is None:
        raise ValueError(
            f"{file}: expected a file in a folder of results, found no {RECORDS} above it"
        )
    makers = {name: record for record in read_records(folder)[0] for name in record.outputs}
    maker = makers.get(name := str(file.relative_to(folder)))
    if maker is None:
        raise ValueError(
            f"{file}: expected a file that a job of the workflow made, found no record of it"
        )
    if (digest := digest_of(file)) != maker.outputs[name]:
        found = "another file" if digest else "no file"
        raise ValueError(f"{file}: expected what {maker.name} wrote, found {found}")
    return Lineage(name, maker, makers)


def _others(folder: Path, known: Mapping[str, str]) -> Iterator[Path]:
    """Files of unknown origin, without what was set aside and what writers left behind."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if (
            path.is_file()
            and name.parts[0] not in UNRECORDED
            and str(name) not in known
            and not _passed_over(path)
        ):
            yield path


def _passed_over(path: Path) -> bool:
    return (
        path.name == "report.html"
        or path.suffix == DAMAGED
        or (path.name.startswith(".") and path.suffix == ".tmp")
    )


def main() -> None:
    """Set aside what no job wrote in the folder of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m icnewton.pipeline.records", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("what", choices=["set-aside"])
    parser.add_argument("folder", type=Path, help="a folder of results")
    try:
        set_aside_alone(parser.parse_args().folder)
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
