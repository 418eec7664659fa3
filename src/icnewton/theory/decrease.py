"""The functions behind Theorem 5.4's constant decrease (App. E.1, Figure 10), with enclosures.

A step with error e loses at least -h of g = f / (4 mu). Let x be the decrement, c = e^T grad g and
c' = e^T hess g e. Then

    h(x; c, c') = -x^2 / (1 + x) + c + w(delta),
    delta^2     = x^2 / (1 + x)^2 - 2 c / (1 + x) + c',
    w(t)        = -t - log(1 - t).

The paper plots dh/dx for x in [1/6, 1], |c| <= 0.06 and h(1/6) for |c| <= 0.012, where c' <= 1e-4
by its assumption on the error. It reads off that h is decreasing and at most -0.01. Here both are
bounded from above on every cell of a fine grid, by the monotonicity of each term on the cell, so
that a maximum over cells bounds the supremum. Decrements above 1, which the paper's plots leave
out, occur for small mu; the claims table measures the decrease there too.
"""

import numpy as np
import pandas as pd

from icnewton.theory.bounds import PHASE

SLOPE_RANGE, VALUE_RANGE, SQUARE = 0.06, 0.012, 1e-4
ROUNDING = 1e-12


def delta(x: np.ndarray, c: np.ndarray, square: float) -> np.ndarray:
    """The length of the step in the local norm; nan where no error vector has these c and c'."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x**2 / (1 + x) ** 2 - 2 * c / (1 + x) + square)


def h(x: np.ndarray, c: np.ndarray, square: float) -> np.ndarray:
    """The bound on g(x_{t+1}) - g(x_t)."""
    t = delta(x, c, square)
    return -(x**2) / (1 + x) + c - t - np.log1p(-t)


def slope(x: np.ndarray, c: np.ndarray, square: float) -> np.ndarray:
    """dh/dx = -1 + 1 / (1 + x)^2 + (x / (1 + x)^3 + c / (1 + x)^2) / (1 - delta)."""
    return -1 + (1 + x) ** -2 + (x / (1 + x) ** 3 + c / (1 + x) ** 2) / (1 - delta(x, c, square))


def slope_enclosure(cells: int, square: float = SQUARE) -> float:
    """An upper bound on dh/dx over [1/6, 1] x [-0.06, 0.06], from ``cells`` x ``cells`` boxes.

    On a box the terms are bounded by their values at corners: x / (1 + x)^3 has its maximum at 1/2,
    and every other term is monotone in x and in c. Boxes on which delta^2 < 0 throughout hold no
    error vector and are left out.
    """
    x, c = np.linspace(PHASE, 1, cells + 1), np.linspace(-SLOPE_RANGE, SLOPE_RANGE, cells + 1)
    left, right, low, high = x[:-1, None], x[1:, None], c[None, :-1], c[None, 1:]
    peak = np.clip(0.5, left, right)
    numerator = peak / (1 + peak) ** 3 + np.maximum(high / (1 + left) ** 2, high / (1 + right) ** 2)
    linear = np.maximum(-2 * low / (1 + left), -2 * low / (1 + right))
    squared = right**2 / (1 + right) ** 2 + linear + square
    longest = np.sqrt(np.maximum(squared, 0))
    with np.errstate(divide="ignore"):
        factor = np.where(longest < 1, 1 / (1 - longest), np.inf)
    bound = -1 + (1 + left) ** -2 + np.maximum(numerator, 0) * factor
    return float(bound[squared >= 0].max()) + ROUNDING


def value_enclosure(cells: int, square: float = SQUARE) -> float:
    """An upper bound on h(1/6) over |c| <= 0.012 and c' <= ``square``.

    On each interval, c is taken at the right end and delta at the left.
    """
    c = np.linspace(-VALUE_RANGE, VALUE_RANGE, cells + 1)
    low, high = c[:-1], c[1:]
    squared = PHASE**2 / (1 + PHASE) ** 2 - 2 * low / (1 + PHASE) + square
    t = np.sqrt(squared[squared >= 0])
    bound = -(PHASE**2) / (1 + PHASE) + high[squared >= 0] - t - np.log1p(-t)
    return float(bound.max()) + ROUNDING


def decrease_frame(cells: int = 2000, points: int = 121) -> pd.DataFrame:
    """Figure 10's two functions on grids, with the enclosures.

    Columns: function, x, c, value, enclosure.
    """
    range_of_c = np.linspace(-SLOPE_RANGE, SLOPE_RANGE, points)
    x, c = np.meshgrid(np.linspace(PHASE, 1, points), range_of_c, indexing="ij")
    slopes = pd.DataFrame({"function": "slope", "x": x.ravel(), "c": c.ravel()})
    slopes["value"] = slope(x, c, SQUARE).ravel()
    slopes["enclosure"] = slope_enclosure(cells)
    y = np.linspace(-VALUE_RANGE, VALUE_RANGE, 10 * points)
    values = pd.DataFrame({"function": "value", "x": PHASE, "c": y})
    values["value"] = h(np.full_like(y, PHASE), y, SQUARE)
    values["enclosure"] = value_enclosure(50 * cells)
    return pd.concat([slopes, values], ignore_index=True)
