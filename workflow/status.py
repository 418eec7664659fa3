"""`make status`: what is missing, changed or interrupted, and what a run would do and cost.

The plan is Snakemake's own: a dry run in this process whose job events are caught.
"""

import argparse
import ast
import io
import json
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from snakemake import cli
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from icnewton.devices import resolve
from icnewton.digest import script_digest
from icnewton.files import brief, try_lock
from icnewton.pipeline.complaints import check
from icnewton.pipeline.entries import of_run
from icnewton.pipeline.records import AT_WORK, RUNNING, damaged, read_records, verify
from icnewton.pipeline.released import RELEASED, Supply
from icnewton.pipeline.schema import merged, name_of
from icnewton.training.checkpoint import checkpoint_step
from icnewton.training.runs import Run, parse_run
from icnewton.typed import differences

START = 3.0  # seconds for a job's Python and imports, on the machine of the README's measurements
SHOWN = 12  # jobs of a kind, by name
KINDS = {
    "Forced execution": "damaged, to be kept under another name and made anew",
    "Incomplete output files": "interrupted",
    "Missing output files": "missing",
    "Params have changed": "other settings or code",
    "Set of input files has changed": "other inputs",
    "Updated input files": "changed inputs",
    "Input files updated by another job": "following from these",
}


@dataclass(frozen=True)
class Planned:
    """A job that a run would do, and Snakemake's reason."""

    rule: str
    wildcards: Mapping[str, str]
    reason: str

    @property
    def name(self) -> str:
        """The rule and its wildcards, such as ``train condition/lsa_layers2_seed0``."""
        return " ".join([self.rule, "/".join(self.wildcards.values())]).strip()

    @property
    def kind(self) -> str:
        """The first of ``KINDS`` that the reason names."""
        named = (kind for phrase, kind in KINDS.items() if phrase in self.reason)
        return next(named, "other reasons")


def plan(arguments: Iterable[str]) -> list[Planned]:
    """The jobs of a dry run with Snakemake's ``arguments``.

    If there can be no plan, this exits with Snakemake's message.
    """
    jobs: list[Planned] = []

    def catch(event: logging.LogRecord) -> bool:
        if getattr(event, "event", None) is LogEvent.JOB_INFO and event.rule_name != "all":
            jobs.append(Planned(event.rule_name, dict(event.wildcards), event.reason))
        return event.levelno >= logging.ERROR

    logger.addFilter(catch)
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            cli.main(["--dry-run", *arguments])
    except SystemExit as end:
        if end.code:
            sys.exit(said.getvalue())
    finally:
        logger.removeFilter(catch)
    return jobs


def training_code(run: Run) -> str:
    """The digest of the code that trains a run."""
    return script_digest(Path("workflow/scripts/train.py"), *of_run(run))


def position(job: Planned, folder: Path, run: Run) -> int:
    """The step from which a training would go on."""
    checkpoint = folder / "checkpoints" / "{condition}/{run}.safetensors".format(**job.wildcards)
    return checkpoint_step(checkpoint, run, training_code(run))


class Costs:
    """Seconds that jobs took in a folder of results, and trainings in released/.

    They tell what other jobs will take.
    """

    def __init__(self, folder: Path) -> None:
        self.rules: dict[str, list[float]] = {}
        for record in read_records(folder)[0]:
            self.rules.setdefault(record.rule, []).append(record.seconds)
        self.steps: dict[Any, list[float]] = {}
        for path in (*folder.glob("train/*/*/card.json"), *RELEASED.glob("*/*/card.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                origin = json.loads(path.read_text(encoding="utf-8"))["origin"]
                run = parse_run(origin["run"])
                each = origin["seconds"] / run.recipe.steps / max(run.layers, 1)
                self.steps.setdefault(self._key(run), []).append(each)

    @staticmethod
    def _key(run: Run) -> tuple[str, int, int]:
        return run.kind.recipes or run.family, run.recipe.width, run.recipe.batch

    def of(self, job: Planned, run: Run | None, done: int) -> float | None:
        """Seconds for a job; for a training, from step ``done`` on.

        None if nothing like it was ever run here.
        """
        if run is None:
            seen = self.rules.get(job.rule)
            return START + median(seen) if seen else None
        seen = self.steps.get(self._key(run))
        steps = max(run.layers, 1) * (run.recipe.steps - done)
        return START + median(seen) * steps if seen else None


def report(
    jobs: list[Planned], folder: Path, runs: Mapping[str, Run], models: Supply
) -> Iterator[str]:
    """The sentences of `make status`."""
    yield f"models: {models}."
    whole, problems = verify(folder)
    made = f"{whole} files are there and what their jobs wrote" if whole else "nothing was made yet"
    yield f"{folder}: {made}."
    yield from problems
    if not jobs:
        yield "Nothing is missing, changed or interrupted; a run would do nothing."
        return
    for kind in dict.fromkeys([*KINDS.values(), "other reasons"]):
        if found := [job for job in jobs if job.kind == kind]:
            yield f"{kind}: {_counted(Counter(job.rule for job in found))}"
            lines = [line for job in found if (line := _detail(job, kind, folder, runs))]
            lines.sort(key=lambda line: "checkpoint" not in line)
            yield from (f"    {line}" for line in lines[:SHOWN])
            if len(lines) > SHOWN:
                yield f"    and {len(lines) - SHOWN} more, which `make plan` lists"
    yield _price(jobs, Costs(folder), folder, runs)


def _counted(rules: Counter[str]) -> str:
    return ", ".join(f"{count} {rule}" for rule, count in rules.items())


def _training(job: Planned, runs: Mapping[str, Run]) -> Run | None:
    if job.rule != "train":
        return None
    return runs[f"{job.wildcards['condition']}/{job.wildcards['run']}"]


def _detail(job: Planned, kind: str, folder: Path, runs: Mapping[str, Run]) -> str:
    """What is worth saying of a single job: where a training stands, which values changed."""
    words = [job.name]
    run = _training(job, runs)
    if run and (done := position(job, folder, run)):
        words.append(f"its checkpoint stands at step {done} of {run.recipe.steps}")
    if change := re.search(r"before: (.*?) now: (.*?) *(?:;|$)", job.reason):
        words.append(_change(*change.groups()))
    return ": ".join(words) if len(words) > 1 or kind in ("missing", "interrupted") else ""


def _change(then: str, now: str) -> str:
    """The changed params that Snakemake prints, in no order, in words."""
    try:
        before, after = (sorted(ast.literal_eval(f"[{text}]"), key=_kind) for text in (then, now))
        pairs = list(zip(before, after, strict=True))
    except (ValueError, SyntaxError):
        return f"made with {brief(then)} and not {brief(now)}"
    are_code = ["code" in map(_kind, pair) for pair in pairs]
    settings: list[str] = []
    for pair, is_code in zip(pairs, are_code, strict=True):
        if not is_code:
            settings += differences(*pair)
    words = [f"made with {brief(', '.join(settings), 200)}"] if settings else []
    if any(are_code):
        words.append("its code changed")
    return "; ".join(words)


def _kind(value: object) -> str:
    is_code = isinstance(value, str) and re.fullmatch("[0-9a-f]{16}", value)
    return "code" if is_code else type(value).__name__


def _price(jobs: list[Planned], costs: Costs, folder: Path, runs: Mapping[str, Run]) -> str:
    seconds = []
    for job in jobs:
        run = _training(job, runs)
        seconds.append(costs.of(job, run, position(job, folder, run) if run else 0))
    known, cores = [s for s in seconds if s is not None], os.cpu_count() or 1
    unknown = Counter(job.rule for job, s in zip(jobs, seconds, strict=True) if s is None)
    text = f"A run would do {len(jobs)} job{'s' if len(jobs) > 1 else ''}"
    if known:
        text += f", about {_words(sum(known) / cores)} on {cores} cores if they are all busy"
    if known and unknown:
        text += f", without {_counted(unknown)}, nothing like which was run here yet"
    if not known:
        text += "; none was run here yet, so there is no estimate of the time"
    return f"{text}."


def _words(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def main() -> None:
    """Print the status of a scale, or every job that a run would do."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow.status", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("scale")
    parser.add_argument("settings", nargs="*", help="key=value, as for Snakemake's --config")
    parser.add_argument(
        "--jobs", action="store_true", help="list every job with Snakemake's reason"
    )
    options = parser.parse_args()
    folder = Path("results") / name_of(options.scale)
    arguments = ["--config", f"scale={options.scale}", *options.settings]
    if forced := [str(path) for path in damaged(folder)]:
        arguments += ["--forcerun", *forced]
    jobs = plan(arguments)
    if try_lock(RUNNING) is None:
        print(AT_WORK)
    lines = (f"{job.name}: {job.reason}" for job in jobs)
    if not options.jobs:
        config = merged(options.scale) | dict(setting.split("=", 1) for setting in options.settings)
        runs = check(config).runs
        models = Supply.of(runs, config["training"], resolve(config["device"]))
        lines = report(jobs, folder, runs, models)
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
