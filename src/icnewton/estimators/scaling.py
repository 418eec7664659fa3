"""Data of any size, as examples of a size that constructions are made for.

An affine map of columns changes neither least squares nor, up to its penalty, logistic regression.
Coefficients are scaled back.
"""

from dataclasses import dataclass

import numpy as np

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Columns:
    """The map X -> (X - centre) / size of columns; centre and size are ``(d,)``, float64.

    A column that does not vary has an infinite size: it is 0 in the prompt and in every query, and
    its coefficient is 0.
    """

    centre: np.ndarray
    size: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """X ``(n, d)`` as examples or queries."""
        return (X - self.centre) / self.size

    def back(self, w: np.ndarray) -> tuple[np.ndarray, float]:
        """Coefficients ``(d,)`` for X, and what centring adds to the intercept."""
        coefficients = w / self.size
        return coefficients, -float(self.centre @ coefficients)


def columns(X: np.ndarray, centred: bool) -> Columns:
    """The map of X ``(n, d)`` to columns of norm 1, centred or not."""
    centre = X.mean(0) if centred else np.zeros(X.shape[1])
    moved = X - centre
    largest = np.abs(moved).max(0)
    # what centring leaves of a constant column is rounding
    varies = largest > len(X) * EPS * np.abs(X).max(0)
    unit = np.where(varies, largest, 1.0)
    size = unit * np.linalg.norm(moved / unit, axis=0)  # squares neither overflow nor vanish
    return Columns(centre, np.where(varies, size, np.inf))
