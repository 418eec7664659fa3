"""How much of what a trained model computes is a function of eigenvalues, and how much is GD++.

The residuals r_j of a model on prompts of a condition (``responses.py``) are held against

- a function of the eigenvalue, a parabola in log lambda in each of 25 bins of as many points, an
  estimate that counts its three coefficients a bin;
- GD++ with as many layers: 2 L - 1 scalars that fit the residuals best.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from icnewton.algorithms.gdpp import residual
from icnewton.constructions.parts.scalars import fit_residuals
from icnewton.evaluation.statistics import RESAMPLES, diverged

BINS, LEAST, DEEPEST = 25, 4, 6


def extract(responses: pd.DataFrame) -> pd.DataFrame:
    """One row for each trained model of at most six layers.

    size: root mean square of r. beyond_eigenvalue, beyond_gdpp: that of what the function of the
    eigenvalue, and GD++, leave of it. share, share_error: the part of what the function explains
    that GD++ explains, and its standard error over resampled prompts. gammas, etas: the scalars, as
    text.
    """
    return pd.DataFrame(_rows(responses[responses["part"] == "prompts"]))


def _rows(learned: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (method, layers, seed), rows in learned.groupby(["method", "layers", "seed"]):
        if layers > DEEPEST or diverged(rows, lambda frame: frame["residual"]):
            continue
        eigenvalues, r = (
            torch.from_numpy(rows[column].to_numpy(copy=True))
            for column in ("eigenvalue", "residual")
        )
        scalars, _ = fit_residuals(eigenvalues, r, int(layers))
        left = r - residual(eigenvalues, scalars.gammas, scalars.etas)
        by_part = {
            "size": r.numpy() ** 2,
            "beyond_eigenvalue": beyond_eigenvalue(np.log(eigenvalues.numpy()), r.numpy()),
            "beyond_gdpp": left.numpy() ** 2,
        }
        squares = pd.DataFrame(by_part).groupby(rows["prompt"].to_numpy()).mean().to_numpy()
        share, error = _share(squares)
        yield {
            "method": method,
            "layers": layers,
            "seed": seed,
            **dict(zip(by_part, squares.mean(0) ** 0.5, strict=True)),
            "share": share,
            "share_error": error,
            "gammas": " ".join(f"{value:.4g}" for value in scalars.gammas),
            "etas": " ".join(f"{value:.4g}" for value in scalars.etas),
        }


def beyond_eigenvalue(x: np.ndarray, r: np.ndarray) -> np.ndarray:
    """The squares of what parabolas in bins of x leave of r, on average without bias for noise."""
    squares = np.empty_like(r)
    for chosen in np.array_split(np.argsort(x), max(min(BINS, len(x) // LEAST), 1)):
        parabola = np.polynomial.Polynomial.fit(x[chosen], r[chosen], 2)
        squares[chosen] = (r[chosen] - parabola(x[chosen])) ** 2
    freedom = len(x) - 3 * max(min(BINS, len(x) // LEAST), 1)
    return squares * len(x) / freedom


def _share(squares: np.ndarray) -> tuple[float, float]:
    """The share of GD++, of mean squares ``(prompts, 3)``, and its error with both fits fixed."""

    def of(means: np.ndarray) -> np.ndarray:
        return (means[..., 0] - means[..., 2]) / (means[..., 0] - means[..., 1])

    chosen = np.random.default_rng(0).integers(len(squares), size=(RESAMPLES, len(squares)))
    return float(of(squares.mean(0))), float(of(squares[chosen].mean(1)).std())
