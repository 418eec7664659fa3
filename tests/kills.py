"""Interruptions at random moments, each followed by one plain `make reproduce`.

`python -m tests.kills --kills 50` writes them to tests/kills.csv; a slow test makes three.

A checkout at smoke scale is run undisturbed once. Then, again and again, what was trained, and all
that was made of it, is removed, `make reproduce` is started and hit: one process or all, with one
of three signals. The next `make reproduce` must end well, and every file must have the bytes of the
undisturbed run.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import pandas as pd
import psutil
import yaml

from icnewton.files import write_table
from icnewton.pipeline.records import verify

ROOT = Path(__file__).parent.parent
RESULTS = Path("results/smoke")
REMADE = (
    "train",
    "checkpoints",
    "evaluate/*/learned*",
    "tables/*_kappa*",
    "claims",
    "figures",
    "records/train",
)
COMPARED = (
    "tables/*",
    "claims/**/*",
    "evaluate/**/*",
    "construct/**/*",
    "data/*",
    "figures/*",
    "train/**/*.safetensors",
)
FIGURES = ("figure2", "headline", "logistic_layers")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TARGETS = ("training", "job", "snakemake", "group")


@dataclass(frozen=True)
class Kill:
    """One interruption: of what, how, after how many seconds, what was at work; exit codes of the
    run that was hit and of the next; files that differ in the end, and whatever is not in order.
    """

    seed: int
    target: str
    signal: str
    seconds: float
    running: str
    hit: int
    recovery: int
    differing: int
    problems: str
    took: float


def clone(folder: Path) -> Path:
    """The files that a fresh clone would have."""
    ignore = shutil.ignore_patterns("results", "site", ".*", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, folder, ignore=ignore, symlinks=True)
    return folder


def checkout(folder: Path) -> Path:
    """A copy of this checkout with some of its figures, whose trainings last seconds and write many
    checkpoints.

    Its environment is this Python's.
    """
    clone(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    for name, old, new in (
        ("config.yaml", "checkpoint_seconds: 30", "checkpoint_seconds: 0"),
        ("workflow/scales/smoke.yaml", "steps: 60, warmup: 10", "steps: 1500, warmup: 10"),
        ("workflow/scales/smoke.yaml", "steps: 30, warmup: 10", "steps: 600, warmup: 10"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{name}: expected {old!r} somewhere, found it nowhere")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    scale = folder / "workflow/scales/smoke.yaml"
    values = yaml.safe_load(scale.read_text(encoding="utf-8"))
    values["figures"] = {name: values["figures"][name] for name in FIGURES}
    scale.write_text(yaml.safe_dump(values), encoding="utf-8")
    return folder


def reproduce(folder: Path) -> subprocess.Popen[bytes]:
    """`make reproduce` at smoke scale, in a session of its own."""
    own = ("ARGS", "MAKEFLAGS", "MFLAGS")  # `make test ARGS="-m slow"` would pass its own on
    inherited = {name: value for name, value in os.environ.items() if name not in own}
    environment = inherited | {"PYTHONPATH": str(folder / "src")}
    with (folder / "make.log").open("ab") as log:
        # a shell that starts this in the background has made it deaf to SIGINT, and so its children
        return subprocess.Popen(
            ["make", "reproduce", "SCALE=smoke", "-o", ".venv/installed"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


def undisturbed(folder: Path) -> float:
    """Seconds of a run; raises RuntimeError with its last words if it fails."""
    begun = time.monotonic()
    if code := reproduce(folder).wait():
        words = (folder / "make.log").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"expected an undisturbed run, found exit code {code}:\n{words}")
    return time.monotonic() - begun


def remove(folder: Path) -> None:
    """What was trained, and all that was made of it."""
    for pattern in REMADE:
        for path in list((folder / RESULTS).glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def victims(make: psutil.Process, target: str) -> list[psutil.Process]:
    """The processes below `make` that a kill may hit."""
    processes = [process for process in make.children(recursive=True) if process.is_running()]
    commands = [(process, " ".join(_command(process))) for process in processes]
    if target == "snakemake":
        return [p for p, words in commands if "workflow.reproduce" in words][:1]
    phrase = "train.py" if target == "training" else ".py"
    return [p for p, words in commands if ".snakemake/scripts" in words and phrase in words]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def strike(
    make: subprocess.Popen[bytes], target: str, how: signal.Signals, source: random.Random
) -> str:
    """Send the signal and say what was at work; a target that is not there is waited for. Empty if
    `make` ended before.
    """
    parent = psutil.Process(make.pid)
    while make.poll() is None:
        jobs = victims(parent, "job")
        scripts = [Path(words[-1]).stem for job in jobs if (words := _command(job))]
        running = " ".join(sorted(script.rpartition(".")[2] for script in scripts))
        if target == "group":
            os.killpg(make.pid, how)
            return running or "snakemake alone"
        if found := victims(parent, target):
            source.choice(found).send_signal(how)
            return running
        time.sleep(0.02)
    return ""


def differences(folder: Path, wanted: dict[Path, bytes]) -> int:
    """Files that are missing, too many or have other bytes than ``wanted``."""
    found = contents(folder)
    return sum(found.get(name) != wanted.get(name) for name in found | wanted)


def contents(folder: Path) -> dict[Path, bytes]:
    """The bytes of everything that must not depend on how it came about."""
    root = folder / RESULTS
    paths = chain.from_iterable(root.glob(pattern) for pattern in COMPARED)
    return {path.relative_to(root): path.read_bytes() for path in paths if path.is_file()}


def litter(folder: Path) -> list[str]:
    """Temporary files, files set aside and whatever else is not in order after a recovery."""
    names = [path.name for path in (folder / RESULTS).rglob("*")]
    left = [name for name in names if name.endswith((".tmp", ".damaged"))]
    return [*left, *verify(folder / RESULTS)[1]]


def expected(folder: Path) -> tuple[dict[Path, bytes], float]:
    """What two undisturbed runs of a checkout leave, and the seconds of the second, which makes
    again what ``remove`` takes; raises RuntimeError if they differ.
    """
    undisturbed(folder)
    wanted = contents(folder)
    remove(folder)
    length = undisturbed(folder)
    if different := differences(folder, wanted):
        words = "the same bytes from two undisturbed runs"
        raise RuntimeError(f"expected {words}, found {different} files that differ")
    return wanted, length


def interrupted(folder: Path, seed: int, wanted: dict[Path, bytes], length: float) -> Kill:
    """One kill and one recovery, at random but for the seed."""
    source = random.Random(seed)
    target, how = source.choice(TARGETS), source.choice(SIGNALS)
    running, hit = "", 0
    while not running or hit == 0:  # it came too late
        remove(folder)
        make, seconds = reproduce(folder), source.uniform(0, 0.7 * length)
        time.sleep(seconds)
        running = strike(make, target, how, source)
        hit = make.wait()
    begun = time.monotonic()
    code = reproduce(folder).wait()
    took = round(time.monotonic() - begun, 1)
    different, problems = differences(folder, wanted), "; ".join(litter(folder)[:3])
    moment = round(seconds, 2)
    return Kill(seed, target, how.name, moment, running, hit, code, different, problems, took)


def rounds(folder: Path, seeds: range) -> Iterator[Kill]:
    """Undisturbed runs of a checkout, then one kill and one recovery a seed."""
    wanted, length = expected(folder)
    for seed in seeds:
        yield interrupted(folder, seed, wanted, length)


def main() -> None:
    """Kill as often as the command line says and write the log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kill in rounds(checkout(Path(folder) / "checkout"), range(options.kills)):
            rows.append(asdict(kill))
            print(kill, flush=True)
            write_table(ROOT / "tests/kills.csv", pd.DataFrame(rows))
    bad = sum(any(row[key] for key in ("recovery", "differing", "problems")) for row in rows)
    good, words = len(rows) - bad, "recovered by one run, no byte different, nothing left lying"
    print(f"{good} of {len(rows)} kills: {words}")
    sys.exit(good != len(rows))


if __name__ == "__main__":
    main()
