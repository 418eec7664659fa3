"""Numbers with intervals that hold for prompts and for trainings, one at a time or all at once.

A *middle* is the median or the mean of errors. Of several trainings it is the geometric mean of
their middles. Its logarithm is estimated, and has two independent errors:

- *prompts*: covariances are resampled, the same for every method;
- *trainings*: were log middles normal, the mean of k of them would miss the expected one by
  s / sqrt(k) times a Student variable of k - 1 degrees of freedom, s being their deviation. Such
  variables are added to the resamples. This is Behrens and Fisher's solution; one training has no
  deviation, so that its interval is about this training alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from icnewton.evaluation.statistics import LEVEL, RESAMPLES, Middle, bootstrap


@dataclass(frozen=True)
class Estimate:
    """The logarithm of a positive number, and what it may be.

    draws: ``(RESAMPLES,)`` values that it may have. trainings: how many it rests on, the fewest if
    these are several models'; 0 if none is trained.
    """

    value: float
    draws: np.ndarray
    trainings: int = 0

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The logarithm of a ratio; infinite over infinite is not a number."""
        counts = [count for count in (self.trainings, other.trainings) if count]
        with np.errstate(invalid="ignore"):
            draws = self.draws - other.draws
        return Estimate(self.value - other.value, draws, min(counts, default=0))

    @property
    def number(self) -> float:
        """The number itself."""
        return float(np.exp(self.value))


def estimate(
    errors: np.ndarray, middle: Middle = np.median, name: str = "", trained: bool = False
) -> Estimate:
    """The log middle of errors ``(trainings, covariances, prompts)``; a negative one counts as 0.

    name: other names have other Student variables. trained: whether the first axis is trainings.
    With one covariance nothing is known of the others, and the draws are not numbers.
    """
    count = len(errors)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log([max(middle(one), 0) for one in errors])
        draws = np.log([bootstrap(one, middle).clip(0) for one in errors]).mean(0)
        if count > 1:
            student = np.random.default_rng(crc32(name.encode())).standard_t(count - 1, RESAMPLES)
            draws = draws + logs.std(ddof=1) / count**0.5 * student
    if errors.shape[1] == 1:
        draws = np.full(RESAMPLES, np.nan)
    return Estimate(float(logs.mean()), draws, count if trained else 0)


def simultaneous(estimates: Sequence[Estimate]) -> np.ndarray:
    """Intervals ``(2, estimates)`` of the numbers that hold all at once with level ``LEVEL``.

    All are cut at the same rank, which as many draws as the level says are within in every one of
    them (Besag, Green, Higdon and Mengersen, 1995). One alone has its central interval.
    """
    draws = np.array([item.draws for item in estimates])
    last = draws.shape[1] - 1
    ranks = draws.argsort(1).argsort(1)
    from_the_end = np.minimum(ranks, last - ranks).min(0)
    cut = np.sort(from_the_end)[round((1 - LEVEL) * len(from_the_end))]
    ordered = np.sort(draws, 1)
    return np.exp(ordered[:, [cut, last - cut]].T)
