"""What a claim is judged by: a measured number with an interval against a bound, from tables alone.

``holds`` and ``fails`` need the whole interval on one side of the bound; where it straddles the
bound, the verdict is ``undecided``, and ``not tested at this scale`` where there is no interval.
Where a claim does not speak of a condition, it is ``not applicable`` there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

import numpy as np
import pandas as pd

from icnewton.claims.parts.scope import Facts, Scope
from icnewton.evaluation.statistics import (
    Error,
    Middle,
    clusters,
    diverged,
    of_quantity,
    ratio,
    squared_residual,
    steps_of,
)

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "fails", "undecided", "not tested at this scale"
NOT_APPLICABLE = "not applicable"

Measurement = tuple[float, float, float, str]  # number, low, high, where
Interval = tuple[float, float, float]
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
    def _cells(self) -> dict[tuple[str, str, int], np.ndarray]:
        return {
            (condition, str(method), int(step)): clusters(group, self.error)
            for condition, frame in self.frames.items()
            for (method, step), group in frame.groupby(["method", "step"], observed=True)
        }

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
    ) -> Interval | None:
        """Ratio of median (or mean) errors of two (method, step), with its interval.

        None where one of them was not evaluated. Methods with several seeds have their seeds'
        errors pooled within each covariance. Nothing is known, nan, where one of their trainings
        diverged.
        """
        if self._diverged & {(condition, *side) for side in (top, bottom)}:
            return np.nan, np.nan, np.nan
        above, below = (self._cells.get((condition, *side)) for side in (top, bottom))
        return None if above is None or below is None else ratio(above, below, middle)


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
    """A number without sampling error, such as a worst case or a count; not a number counts as
    infinite.
    """
    value = np.inf if np.isnan(value) else float(value)
    return value, value, value, where


def extreme(ratios: Iterable[tuple[str, Interval | None]], largest: bool) -> Measurement:
    """The largest or smallest of labelled ratios; its interval has the largest or smallest of both
    ends.

    So no other ratio can lie beyond the interval unseen; the label is that of the extreme ratio.
    """
    known = [(label, values) for label, values in ratios if values is not None]
    if not known:
        return NOTHING
    if lost := [label for label, values in known if np.isnan(values[0])]:
        return np.nan, np.nan, np.nan, f"a training with {lost[0]} diverged"
    pick = max if largest else min
    measured, low, high = (pick(values[i] for _, values in known) for i in range(3))
    return measured, low, high, next(label for label, values in known if values[0] == measured)
