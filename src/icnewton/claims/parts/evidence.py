"""What a claim is judged by: a measured number with an interval against a bound, from tables alone.

``holds`` and ``fails`` need the whole interval on one side of the bound; where it straddles the
bound, the verdict is ``undecided``, and ``not tested at this scale`` where there is no interval.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from icnewton.evaluation.statistics import Error, clusters, diverged, ratio, steps_of

HOLDS, FAILS, UNDECIDED, UNTESTED = "holds", "fails", "undecided", "not tested at this scale"

Measurement = tuple[float, float, float, str]  # number, low, high, where
Interval = tuple[float, float, float]
NOTHING: Measurement = (np.nan, np.nan, np.nan, "nothing at this scale to measure it on")


@dataclass(frozen=True)
class Row:
    """One line of the table: ``sense`` is "<=" or ">="; figures of ``kinds`` that draw ``family``
    show it.
    """

    claim: str
    condition: str
    quantity: str
    sense: str
    bound: float
    measurement: Measurement
    family: str = ""
    kinds: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Where the interval lies relative to the bound."""
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

    def trained(self, method: str) -> list[tuple[str, list[int]]]:
        """Conditions with the depths (or steps) that a method was evaluated at there, where there
        are any.
        """
        depths = {
            condition: list(steps_of(frame, method)) for condition, frame in self.frames.items()
        }
        return [(condition, found) for condition, found in depths.items() if found]

    def compare(
        self, condition: str, top: tuple[str, int], bottom: tuple[str, int]
    ) -> Interval | None:
        """Ratio of median errors of two (method, step) with its interval, or None where one of them
        was not evaluated.

        Methods with several seeds have their seeds' errors pooled within each covariance. Nothing
        is known, nan, where one of their trainings diverged.
        """
        if self._diverged & {(condition, *side) for side in (top, bottom)}:
            return np.nan, np.nan, np.nan
        pair = [self._cells.get((condition, *side)) for side in (top, bottom)]
        return None if pair[0] is None or pair[1] is None else ratio(pair[0], pair[1])


@dataclass(frozen=True)
class Evidence:
    """The tables that claims are read from.

    linear: errors by condition; probes: outputs along a coordinate by condition; checks:
    constructions of the linear half; diabetes: predictions; logistic: losses by condition; steps,
    widths, budget: damped-Newton transformers against the algorithm; decrease: the functions of
    App. E.1; cancer: the breast-cancer data.
    """

    linear: Comparison
    probes: Mapping[str, pd.DataFrame]
    checks: pd.DataFrame
    diabetes: pd.DataFrame
    logistic: Mapping[str, pd.DataFrame]
    steps: pd.DataFrame
    widths: pd.DataFrame
    budget: pd.DataFrame
    decrease: pd.DataFrame
    cancer: pd.DataFrame


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
