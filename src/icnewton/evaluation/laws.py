"""Laws fitted to measurements of damped-Newton transformers.

They are layers against accuracy (T1.1), and width against error (T5.2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from icnewton.evaluation.statistics import RESAMPLES, interval


def layers_needed(steps: pd.DataFrame) -> pd.DataFrame:
    """The fewest layers that reach an accuracy for every prompt, for one mu.

    ``steps`` is the frame of ``check_steps``. Columns of the result are ``accuracy`` (10^-1, 10^-2,
    ...), ``layers`` and ``per_step``. The error asked of a step is free, so depth is spent where
    it pays.
    """
    worst = steps.groupby(["error", "step"], as_index=False).agg(
        distance=("distance", "max"), per_step=("layers_per_step", "first")
    )
    worst["layers"] = worst["step"] * worst["per_step"]
    rows = []
    for exponent in range(1, 16):
        reached = worst[worst["distance"] <= 10.0**-exponent]
        if reached.empty:
            break
        best = reached.loc[reached["layers"].idxmin()]
        rows.append((10.0**-exponent, int(best["layers"]), int(best["per_step"])))
    return pd.DataFrame(rows, columns=["accuracy", "layers", "per_step"])


def cost_of_squaring(needed: pd.DataFrame) -> pd.Series:
    """Newton steps' worth of layers that go from an accuracy eps to eps^2, by eps.

    It is bounded if layers are of order loglog 1/eps. ``needed`` is the frame of ``layers_needed``.
    """
    by_digits = needed.set_index(-np.log10(needed["accuracy"]).round().astype(int))
    digits = [k for k in by_digits.index if 2 * k in by_digits.index]
    extra = {10.0**-k: by_digits.loc[2 * k, "layers"] - by_digits.loc[k, "layers"] for k in digits}
    return pd.Series(extra, dtype=float) / needed["per_step"].max()


@dataclass(frozen=True)
class Line:
    """layers = intercept + slope * abscissa, with the root mean square of the residuals."""

    slope: float
    intercept: float
    residual: float


def fit_line(abscissa: np.ndarray, ordinate: np.ndarray) -> Line:
    """Least squares."""
    slope, intercept = np.polyfit(abscissa, ordinate, 1)
    residual = np.sqrt(np.mean((ordinate - intercept - slope * abscissa) ** 2))
    return Line(float(slope), float(intercept), float(residual))


def iterated_logarithm(accuracy: np.ndarray) -> np.ndarray:
    """log2 log2 (1 / eps)."""
    return np.log2(np.log2(1 / accuracy))


def width_exponent(widths: pd.DataFrame) -> tuple[float, float, float]:
    """p in width ~ eps^-p for one mu, by least squares on logarithms, with its 95 % interval.

    The interval is a bootstrap over prompts. eps is the median over prompts of the largest error
    of a step.
    """
    errors = widths.pivot(index="prompt", columns="hidden_width", values="step_error")
    width = np.log(errors.columns.to_numpy(dtype=float))
    return _over_prompts(errors, lambda medians: -_slope(np.log(medians), width))


def error_exponent(rows: pd.DataFrame, quantity: str) -> tuple[float, float, float]:
    """p in a quantity ~ eps^p for the errors asked for, in the same way.

    It is the median over prompts of what ``rows`` have once for each prompt and error.
    """
    values = rows.pivot(index="prompt", columns="error", values=quantity)
    asked = np.log(values.columns.to_numpy(dtype=float))
    return _over_prompts(values, lambda medians: _slope(asked, np.log(medians)))


def _slope(abscissa: np.ndarray, ordinate: np.ndarray) -> float:
    return float(np.polyfit(abscissa, ordinate, 1)[0])


def _over_prompts(
    table: pd.DataFrame, law: Callable[[np.ndarray], float]
) -> tuple[float, float, float]:
    """A law of the medians of columns, with its bootstrap interval over the rows."""
    values, generator = table.to_numpy(), np.random.default_rng(0)
    chosen = generator.integers(len(values), size=(RESAMPLES, len(values)))
    low, high = interval(np.array([law(np.median(values[rows], axis=0)) for rows in chosen]))
    return law(np.median(values, axis=0)), low, high
