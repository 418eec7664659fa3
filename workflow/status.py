"""`make status`: what is missing, changed or interrupted, what a run would do, and until when."""

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from snakemake.utils import available_cpu_count

from icnewton.devices import resolve
from icnewton.digest import script_digest
from icnewton.files import brief, try_lock
from icnewton.pipeline.complaints import check
from icnewton.pipeline.entries import of_run
from icnewton.pipeline.records import AT_WORK, RUNNING, damaged, verify
from icnewton.pipeline.released import Supply
from icnewton.pipeline.schema import merged, name_of
from icnewton.training.checkpoint import checkpoint_step
from icnewton.training.runs import Run
from icnewton.typed import differences
from workflow.costs import Costs, counted, forecast
from workflow.plan import KINDS, Planned, plan

SHOWN = 12  # jobs of a kind, by name


def training_code(run: Run) -> str:
    """The digest of the code that trains a run."""
    return script_digest(Path("workflow/scripts/train.py"), *of_run(run))


def position(job: Planned, folder: Path, run: Run) -> int:
    """The step from which a training would go on."""
    checkpoint = folder / "checkpoints" / "{condition}/{run}.safetensors".format(**job.wildcards)
    return checkpoint_step(checkpoint, run, training_code(run))


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
            yield f"{kind}: {counted(Counter(job.rule for job in found))}"
            lines = [line for job in found if (line := _detail(job, kind, folder, runs))]
            lines.sort(key=lambda line: "checkpoint" not in line)
            yield from (f"    {line}" for line in lines[:SHOWN])
            if len(lines) > SHOWN:
                yield f"    and {len(lines) - SHOWN} more, which `make plan` lists"
    yield _price(jobs, Costs(folder), folder, runs)


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
    """How long a run would take, and when it would end."""
    each = []
    for job in jobs:
        run = _training(job, runs)
        each.append(costs.of(job, run, position(job, folder, run) if run else 0))
    return forecast(jobs, each, available_cpu_count())


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
    try:
        config = merged(options.scale) | dict(setting.split("=", 1) for setting in options.settings)
    except ValueError as error:
        sys.exit(str(error))
    folder = Path("results") / name_of(options.scale)
    arguments = ["--config", f"scale={options.scale}", *options.settings]
    if forced := [str(path) for path in damaged(folder)]:
        arguments += ["--forcerun", *forced]
    jobs = plan(arguments)
    if try_lock(RUNNING) is None:
        print(AT_WORK)
    lines = (f"{job.name}: {job.reason}" for job in jobs)
    if not options.jobs:
        runs = check(config).runs
        models = Supply.of(runs, config["training"], resolve(config["device"]))
        lines = report(jobs, folder, runs, models)
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
