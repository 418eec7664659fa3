"""When a run would end, told by the seconds that its jobs, or jobs like them, took before."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from icnewton.commands.parts.screen import duration
from icnewton.pipeline.records import Record, read_records
from icnewton.pipeline.released import RELEASED
from icnewton.training.runs import Run, parse_run
from workflow.plan import Planned

START = 3.0  # seconds for a job's Python and imports, on the machine of the README's measurements
OWN, STEPS, RULE, ELSEWHERE = "its last run", "its steps", "its rule", "other scales"
Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Cost:
    """Seconds of a job, and what tells them; None and no basis if nothing like it was run."""

    seconds: float | None
    basis: str = ""


class Costs:
    """What jobs of a folder of results took, those of the folders beside it, and trainings in
    released/.
    """

    def __init__(self, folder: Path, released: Path = RELEASED) -> None:
        records = read_records(folder)[0]
        beside = sorted(path for path in folder.parent.glob("*/") if path != folder)
        self.jobs = {_key(record): record.seconds for record in records}
        self.rules = _by_rule(records)
        self.elsewhere = _by_rule(record for path in beside for record in read_records(path)[0])
        self.steps: dict[Any, list[float]] = {}
        for path in (*folder.glob("train/*/*/card.json"), *released.glob("*/*/card.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                origin = json.loads(path.read_text(encoding="utf-8"))["origin"]
                run = parse_run(origin["run"])
                each = origin["seconds"] / run.recipe.steps / max(run.layers, 1)
                self.steps.setdefault(_shape(run), []).append(each)

    def of(self, job: Planned, run: Run | None = None, done: int = 0) -> Cost:
        """What a job will take; a training of ``run`` goes on from step ``done``."""
        if run is not None:
            seen = self.steps.get(_shape(run))
            steps = max(run.layers, 1) * (run.recipe.steps - done)
            return Cost(START + median(seen) * steps, STEPS) if seen else Cost(None)
        if (own := self.jobs.get(_key(job))) is not None:
            return Cost(START + own, OWN)
        for seen, basis in ((self.rules, RULE), (self.elsewhere, ELSEWHERE)):
            if job.rule in seen:
                return Cost(START + median(seen[job.rule]), basis)
        return Cost(None)


def _key(job: Record | Planned) -> Key:
    return job.rule, tuple(sorted(job.wildcards.items()))


def _by_rule(records: Iterable[Record]) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {}
    for record in records:
        found.setdefault(record.rule, []).append(record.seconds)
    return found


def _shape(run: Run) -> tuple[str, int, int]:
    return run.kind.recipes or run.family, run.recipe.width, run.recipe.batch


def longest_chain(jobs: Sequence[Planned], seconds: Callable[[Planned], float]) -> float:
    """Seconds of the jobs that must follow one another, however many cores there are."""
    makers = {name: job for job in jobs for name in job.outputs}
    ends: dict[int, float] = {}

    def end(job: Planned) -> float:
        if id(job) not in ends:
            before = {id(makers[name]): makers[name] for name in job.inputs if name in makers}
            ends[id(job)] = seconds(job) + max(map(end, before.values()), default=0.0)
        return ends[id(job)]

    return max(map(end, jobs), default=0.0)


def forecast(
    jobs: Sequence[Planned], costs: Sequence[Cost], cores: int, now: datetime | None = None
) -> str:
    """A sentence: how many jobs, for how long, until when, and what of it is guessed.

    A run takes at least its work shared by all cores, and at least its longest chain of jobs.
    """
    known = {id(job): cost.seconds or 0.0 for job, cost in zip(jobs, costs, strict=True)}
    text = f"A run would do {len(jobs)} job{'s' if len(jobs) > 1 else ''}"
    if not any(cost.basis for cost in costs):
        return f"{text}; none was run here yet, so there is no estimate of the time."
    work, chain = sum(known.values()) / cores, longest_chain(jobs, lambda job: known[id(job)])
    total = max(work, chain)
    text += f", about {duration(total)} on {cores} cores, ending at {clock(total, now)}"
    if chain > work:
        text += " because of its longest chain of jobs"
    return f"{text}{_guessed(jobs, costs)}."


def _guessed(jobs: Sequence[Planned], costs: Sequence[Cost]) -> str:
    """What is not known of a forecast."""
    bases = Counter(cost.basis for cost in costs)
    text = ""
    if bases[RULE]:
        text += f"; {_are(bases[RULE])} of unknown length, counted as the median of the rule"
    if bases[ELSEWHERE]:
        text += f"; {_are(bases[ELSEWHERE])} counted as the rule's median at other scales"
    unknown = Counter(job.rule for job, cost in zip(jobs, costs, strict=True) if not cost.basis)
    if unknown:
        text += f"; without {counted(unknown)}, nothing like which was run here yet"
    return text


def _are(count: int) -> str:
    return f"{count} job{'s are' if count > 1 else ' is'}"


def counted(rules: Counter[str]) -> str:
    """``3 figure, 1 train``."""
    return ", ".join(f"{count} {rule}" for rule, count in rules.items())


def clock(seconds: float, now: datetime | None = None) -> str:
    """The time of day so many seconds from now, with its date if that is another day."""
    now = now or datetime.now()
    end = now + timedelta(seconds=seconds)
    return f"{end:%H:%M}" if end.date() == now.date() else f"{end:%Y-%m-%d %H:%M}"
