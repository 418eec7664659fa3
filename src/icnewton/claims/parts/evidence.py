"""What a claim is judged by: a measured number with an interval against a bound, from tables alone.

``holds`` and ``fails`` need the whole interval on one side of the bound; where it straddles the
bound, the verdict is ``undecided``, and ``not tested at this scale`` where there is no interval.
Where a claim does not speak of a condition, it is ``not applicable`` there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from icnewton.claims.parts.scope import Facts, Scope
from icnewton.evaluation.estimates import Estimate, estimate, simultaneous
from icnewton.evaluation.statistics import (
    Error,
    Middle,
    by_training,
    diverged,
    of_quantity,
    squared_residual,
    steps_of,
)

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "fails", "undecided", "not tested at this scale"
NOT_APPLICABLE = "not applicable"

Measurement = tuple[float, float, float, str]  # number, low, high, where
UNKNOWN = Estimate(np.nan, np.array([np.nan]))
NOTHING: Measurement = (np.nan, np.nan, np.nan, "nothing at this scale to measure it on")


@dataclass(frozen=True)
class Row:
    """One line of the table: ``sense`` is "<=" or ">="; figures that draw one of ``methods`` show
    it.
    """

    claim: str
    condition: str
    quantity: str
    sense: str
    bound: float
    measurement: Measurement
    methods: tuple[str, ...] = ()
    applicable: bool = True

    @property
    def criterion(self) -> str:
        """What the number is held against."""
        return "-" if np.isnan(self.bound) else f"{self.sense} {self.bound:g}"

    @property
    def verdict(self) -> str:
        """Where the interval lies relative to the bound."""
        if not self.applicable:
            return NOT_APPLICABLE
        measured, low, high, _ = self.measurement
        if np.isnan([measured, low, high]).any():
            return UNTESTED
        inside, outside = (high <= self.bound, low > self.bound)
        if self.sense == ">=":
            inside, outside = (low >= self.bound, high < self.bound)
        return HOLDS if inside else FAILS if outside else UNDECIDED


@dataclass(frozen=True)
class Comparison:
    """Errors by condition, and what of each row of a frame the error is."""

    frames: Mapping[str, pd.DataFrame]
    error: Error

    @cached_property
    def _groups(self) -> dict[tuple[str, str, int], pd.DataFrame]:
        return {
            (condition, str(method), int(step)): group
            for condition, frame in self.frames.items()
            for (method, step), group in frame.groupby(["method", "step"], observed=True)
        }

    @cached_property
    def _found(self) -> dict[tuple[str, str, int, Middle], Estimate]:
        return {}

    @cached_property
    def _diverged(self) -> set[tuple[str, str, int]]:
        """Conditions, methods and depths of which some training diverged."""
        return {
            (condition, str(method), int(step))
            for condition, frame in self.frames.items()
            for (method, step), group in frame[frame["kind"] == "learned"].groupby(
                ["method", "step"], observed=True
            )
            if diverged(group, self.error)
        }

    def compare(
        self,
        condition: str,
        top: tuple[str, int],
        bottom: tuple[str, int],
        middle: Middle = np.median,
    ) -> Estimate | None:
        """Ratio of median (or mean) errors of two (method, step).

        None where one of them was not evaluated. Nothing is known, nan, where one of their
        trainings diverged.
        """
        sides = [(condition, *side) for side in (top, bottom)]
        if not all(side in self for side in sides):
            return None
        if self._diverged & set(sides):
            return UNKNOWN
        above, below = (self.estimate(*side, middle) for side in sides)
        return above - below

    def __contains__(self, cell: tuple[str, str, int]) -> bool:
        """Whether a (condition, method, step) was evaluated."""
        return cell in self._groups

    def estimate(
        self, condition: str, method: str, step: int, middle: Middle = np.median
    ) -> Estimate:
        """The median (or mean) error of what was evaluated; the same draws at each call."""
        key = (condition, method, step, middle)
        if key not in self._found:
            group = self._groups[key[:3]]
            trained = (group["kind"] == "learned").any()
            errors = by_training(group, self.error)
            self._found[key] = estimate(errors, middle, f"{condition} {method} {step}", trained)
        return self._found[key]


@dataclass(frozen=True)
class Evidence:
    """The tables that claims are read from.

    errors: what problems say of answers, by condition of any problem, and facts of the same
    conditions; probes: outputs along a coordinate, by linear condition; measurements: those that
    need no learned model, by name, as far as there are any; diabetes: predictions, if there are
    any; responses: what models leave of eigenvalues, by linear condition; extraction: how much of
    that is GD++, if anything is known of it.
    """

    errors: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Facts]
    probes: Mapping[str, pd.DataFrame]
    measurements: Mapping[str, pd.DataFrame]
    diabetes: pd.DataFrame | None = None
    responses: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    extraction: pd.DataFrame | None = None

    @cached_property
    def linear(self) -> Comparison:
        """Squared residuals of all linear conditions."""
        return self._comparison("linear", "residual", squared_residual)

    def logistic_of(self, quantity: str) -> Comparison:
        """A quantity of all logistic conditions, such as ``excess`` or ``loss``."""
        return self._comparison("logistic", quantity, itemgetter("value"))

    def _comparison(self, problem: str, quantity: str, error: Error) -> Comparison:
        frames = {
            condition: of_quantity(frame, quantity)
            for condition, frame in self.errors.items()
            if self.facts[condition].condition.problem == problem
        }
        return Comparison(frames, error)

    def by_mu(self, measurement: str) -> Iterator[tuple[float, str, pd.DataFrame]]:
        """A measurement's rows for each mu, with words; nothing where it was not made."""
        if measurement in self.measurements:
            for mu, rows in self.measurements[measurement].groupby("mu", sort=False):
                yield float(mu), f"built, mu = {mu:g}", rows  # type: ignore[arg-type]

    def steps(self, condition: str, method: str) -> list[int]:
        """The steps or depths that a method was evaluated at, ascending."""
        return list(steps_of(self._evaluated[condition], method))

    @cached_property
    def _evaluated(self) -> dict[str, pd.DataFrame]:
        """Methods and steps by condition."""
        return {
            condition: frame[["method", "step"]].drop_duplicates()
            for condition, frame in self.errors.items()
        }

    def inside(self, scope: Scope, method: str) -> list[tuple[str, list[int]]]:
        """The conditions at which a method is in a scope, with its steps there."""
        found = []
        for condition in self.errors:
            steps = self.steps(condition, method)
            if steps and not scope.excludes(self.facts[condition], method):
                found.append((condition, steps))
        return found

    def outside(self, scope: Scope) -> Iterator[tuple[str, tuple[str, ...], str]]:
        """Conditions, methods and the reason why these are out of a scope that has their subject;
        each condition once.
        """
        for condition in self.errors:
            facts, reasons = self.facts[condition], {}
            for method in scope.methods:
                if self.steps(condition, method) and not scope.other_subject(facts, method):
                    reasons[method] = scope.other_setting(facts, method)
            excluded = tuple(method for method, reason in reasons.items() if reason)
            if excluded:
                yield condition, excluded, reasons[excluded[0]]


def exactly(value: float, where: str) -> Measurement:
    """A number that no drawing of prompts or trainings decides, such as a count, a proved bound or
    an error on prompts that a proof names; not a number counts as infinite.
    """
    value = np.inf if np.isnan(value) else float(value)
    return value, value, value, where


def worst(
    values: pd.Series, of: str, largest: bool = True, at: Callable[[Any], str] = lambda label: ""
) -> Measurement:
    """The largest or smallest number seen on random prompts; it is no supremum, and says so.

    of: what the numbers were seen on; at: from the extreme number's label, more words on it. Not a
    number counts as the worst.
    """
    if values.empty:
        return NOTHING
    known = values.fillna(np.inf if largest else -np.inf)
    label = known.idxmax() if largest else known.idxmin()
    where = f"{'largest' if largest else 'smallest'} of {len(known)} {of}"
    return exactly(known[label], "; ".join(filter(None, (where, at(label)))))


def extreme(
    ratios: Iterable[tuple[str, Estimate | None]], largest: bool, detail: str = ""
) -> Measurement:
    """The largest or smallest of labelled ratios; its interval has the largest or smallest of both
    ends of intervals that hold all at once, and so the level that they have.

    The label is that of the extreme ratio; after it and ``detail`` stands on how many trainings it
    rests.
    """
    known = [(label, ratio) for label, ratio in ratios if ratio is not None]
    if not known:
        return NOTHING
    if lost := [label for label, ratio in known if np.isnan(ratio.value)]:
        return np.nan, np.nan, np.nan, f"a training with {lost[0]} diverged"
    pick = max if largest else min
    labels, found = zip(*known, strict=True)
    measured = pick(ratio.number for ratio in found)
    low, high = (pick(map(float, ends)) for ends in simultaneous(found))
    label = next(label for label, ratio in known if ratio.number == measured)
    compared = f"one of {len(labels)} compared" if len(labels) > 1 else ""
    words = (label, detail, compared, _trainings([ratio.trainings for ratio in found]))
    return measured, low, high, "; ".join(filter(None, words))


def _trainings(counts: Sequence[int]) -> str:
    """On how many trainings ratios rest, in words; nothing where no model is trained."""
    least, most = min(counts), max(counts)
    if most == 0:
        return ""
    if most == 1:
        return "one training" if len(counts) == 1 else "one training each"
    return f"{most} trainings" if least == most else f"{least} to {most} trainings"
