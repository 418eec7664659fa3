"""What every script shares: a log, error messages, and a record of what was made.

The user gets one sentence when something is wrong. Nothing here may change a result: this file is
not part of a job's digest of code.
"""

import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from icnewton import __version__
from icnewton.files import alone
from icnewton.pipeline.records import Record, digest_of, write_record

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("snakemake", "torch", "numpy", "pandas", "matplotlib", "scikit-learn", "safetensors")


@contextmanager
def job(snakemake) -> Iterator[Callable[[str], None]]:
    """Yields a function that writes a line to the log.

    Errors go to the log in full, and to the terminal in one sentence. If a killed Snakemake left
    this job running elsewhere, that process is waited for. A job that ends well leaves a record of
    inputs, outputs and circumstances.
    """
    log, rule = Path(snakemake.log[0]), snakemake.rule
    record, folder = record_path(log)

    def say(line: str) -> None:
        # if the disk is full, the last words go to the terminal alone
        with suppress(OSError), log.open("a", encoding="utf-8") as lines:
            print(line, file=lines)

    def wait() -> None:
        words = "another process is at this job; waiting for it"
        print(f"{rule}: {words}", file=sys.stderr, flush=True)

    try:
        with alone(record.with_suffix(".lock"), wait):
            record.unlink(missing_ok=True)  # the old record no longer describes these files
            started, begun = datetime.now(UTC), time.monotonic()
            yield say
            seconds = time.monotonic() - begun
            write_record(record, describe(snakemake, folder, record, started, seconds))
    except KeyboardInterrupt:
        sys.exit(f"{rule}: interrupted")
    except Exception as error:
        say(traceback.format_exc())
        sys.exit(f"{rule}: {error} (details in {log})")


def record_path(log: Path) -> tuple[Path, Path]:
    """The place of the record of the job with this log, and the folder of results."""
    folder = Path(*log.parts[: log.parts.index("logs")])
    return folder / "records" / log.relative_to(folder / "logs").with_suffix(".json"), folder


def describe(snakemake, folder: Path, record: Path, started: datetime, seconds: float) -> Record:
    """Everything that is worth knowing about a job that has just ended."""
    inputs, given, outputs = {}, {}, {}
    for path in map(Path, snakemake.input):
        if path.is_relative_to(folder):
            inputs[str(path.relative_to(folder))] = digest_of(path)
        else:
            given[str(path)] = digest_of(path)
    for path in map(Path, snakemake.output):
        if path != record:
            outputs[str(path.relative_to(folder))] = digest_of(path)
    return Record(
        rule=snakemake.rule,
        wildcards=dict(snakemake.wildcards.items()),
        inputs=inputs,
        given=given,
        outputs=outputs,
        params=dict(snakemake.params.items()),
        commit=commit(),
        versions=versions() | {"python": sys.version.split()[0]},
        device=device(),
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        modules=tuple(sorted(name for name in sys.modules if name.startswith("icnewton."))),
    )


def versions() -> dict[str, str]:
    """The versions of this checkout's package, whatever is installed, and of those it uses."""
    return {"icnewton": __version__} | {name: version(name) for name in PACKAGES}


def commit() -> str:
    """The commit that is checked out beside this file, wherever a job runs.

    It is marked if the working tree differs from it.
    """
    # never a checkout around this one
    place = [f"--git-dir={ROOT / '.git'}", f"--work-tree={ROOT}"]
    words = ["git", *place, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace")
    except OSError:
        return "not a git checkout"
    return done.stdout.strip() or "not a git checkout"


def device() -> str:
    """The graphics card that this process used, if it used one."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_initialized() else "cpu"
