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

from icnewton.constructions.parts.scalars import fit_residuals
from icnewton.evaluation.statistics import diverged

BINS, LEAST, DEEPEST = 25, 4, 6


def extract(responses: pd.DataFrame) -> pd.DataFrame:
    """One row for each trained model of at most six layers.

    size: root mean square of r. beyond_eigenvalue, beyond_gdpp: that of what the function of the
    eigenvalue, and GD++, leave of it. gammas, etas: the scalars, as text.
    """
    return pd.DataFrame(_rows(responses[responses["part"] == "prompts"]))


def _rows(learned: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (method, layers, seed), rows in learned.groupby(["method", "layers", "seed"]):
        if layers > DEEPEST or diverged(rows, lambda frame: frame["residual"]):
            continue
        eigenvalues, r = rows["eigenvalue"].to_numpy(), rows["residual"].to_numpy()
        tensors = (torch.tensor(eigenvalues), torch.tensor(r))
        scalars, left = fit_residuals(*tensors, int(layers))
        yield {
            "method": method,
            "layers": layers,
            "seed": seed,
            "size": np.sqrt(np.mean(r**2)),
            "beyond_eigenvalue": _beyond(np.log(eigenvalues), r),
            "beyond_gdpp": left,
            "gammas": " ".join(f"{value:.4g}" for value in scalars.gammas),
            "etas": " ".join(f"{value:.4g}" for value in scalars.etas),
        }


def _beyond(x: np.ndarray, r: np.ndarray) -> float:
    """The root mean square of what parabolas in bins of x leave of r, without bias for noise."""
    squares, freedom = 0.0, 0
    for chosen in np.array_split(np.argsort(x), max(min(BINS, len(x) // LEAST), 1)):
        parabola = np.polynomial.Polynomial.fit(x[chosen], r[chosen], 2)
        squares += float(((r[chosen] - parabola(x[chosen])) ** 2).sum())
        freedom += len(chosen) - 3
    return (squares / freedom) ** 0.5
