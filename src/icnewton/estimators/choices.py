"""The constructions of least squares among which an estimator chooses, and their steps.

The bounds are those of the modules in ``constructions/``: for eigenvalues of A^T A in [l, u] they
bound the residual polynomial |r|, the share of any part of the coefficients that is left.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from icnewton.algorithms.parts.extremal import degree, least_maximum
from icnewton.constructions.parts.calibration import Calibration


@dataclass(frozen=True)
class Choice:
    """A construction as an estimator builds it.

    family: that of ``icnewton.build``.
    settings: from a calibration and the number n of examples to keywords besides d and steps.
    residual: from steps, l and u to a bound on |r|.
    most: steps that are tried.
    query: the block that holds a query at its token.
    """

    family: str
    settings: Callable[[Calibration, int], Mapping[str, Any]]
    residual: Callable[[int, float, float], float]
    most: int
    query: str

    def steps(self, calibration: Calibration, tolerance: float) -> int:
        """The fewest steps whose bound is within the tolerance, at most ``most``."""
        tried = range(1, self.most)
        enough = (t for t in tried if self.residual(t, *calibration.spectrum) <= tolerance)
        return next(enough, self.most)


def _newton(steps: int, lower: float, upper: float) -> float:
    """(1 - l^2 / u^2)^(2^t), from X_0 = S / u^2."""
    return math.exp(2.0**steps * math.log1p(-((lower / upper) ** 2)))


CHOICES = {
    "chebyshev": Choice(
        family="least_squares",
        settings=lambda found, n: {
            "n": n,
            "order": 3,
            "step": "chebyshev",
            "spectrum": found.spectrum,
        },
        residual=lambda steps, lower, upper: least_maximum(2 * 3**steps, lower, upper),
        most=32,
        query="T",
    ),
    "newton": Choice(
        family="least_squares",
        settings=lambda found, n: {"n": n, "order": 2, "alpha": found.alpha},
        residual=_newton,
        most=128,
        query="S",
    ),
    "minimax": Choice(
        family="minimax",
        settings=lambda found, n: {"spectrum": found.spectrum},
        residual=lambda steps, lower, upper: least_maximum(degree(steps), lower, upper),
        most=5,  # the width is of order 3^L d
        query="x0",
    ),
    "gdpp": Choice(
        family="gdpp",
        settings=lambda found, n: {"upper": found.upper},
        residual=lambda steps, lower, upper: math.sqrt(upper / lower) / 3**steps,
        most=48,
        query="x",
    ),
}
