"""What is left of each eigenvalue after each layer, beside the polynomials of algorithms.

A linear model's estimate is a^T (I - r(S)) w for y = A w. r(s) is measured as in
``evaluation/responses.py``: on prompts with A^T A = s I and a = w, as the mean over signs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from icnewton.algorithms.gdpp import residual
from icnewton.algorithms.parts.normal_equations import gram_matrix
from icnewton.constructions.parts.scalars import triangle_scalars
from icnewton.evaluation.responses import is_linear
from icnewton.inside.readings import estimates
from icnewton.models.model import Model
from icnewton.theory.minimax import law, prompts_at

POINTS, BEYOND, FAR = 121, 1.5, 1e6  # grid, reach beyond the spectrum, and the widest interval


@dataclass(frozen=True)
class Polynomials:
    """Values of residuals at ``grid`` after each layer, None where there are none yet.

    references: by title. law: 1 / T_m for each number of layers. is_linear: whether the model is a
    linear attention model, of which the law speaks.
    """

    eigenvalues: list[float]
    grid: list[float]
    measured: list[list[float] | None]
    references: dict[str, list[list[float]]]
    law: list[float]
    is_linear: bool


@torch.no_grad()
def polynomials(model: Model, x: Tensor) -> Polynomials | None:
    """Those of a model on the spectrum of a prompt ``(1, n + 1, d)``.

    None where A^T A is singular or as good as that: there is no interval then.
    """
    n, d = x.shape[1] - 1, x.shape[2]
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(x[:, :-1]))[0]
    lower, upper = eigenvalues[0].item(), eigenvalues[-1].item()
    if n < d or lower * FAR < upper:
        return None
    grid = torch.from_numpy(np.geomspace(lower / BEYOND, upper * BEYOND, POINTS))
    found = prompts_at(grid, d, n)
    measured: list[list[float] | None] = []
    for estimate in estimates(model, found.x, found.y):
        left = None if estimate is None else (1 - found.target * estimate).view(-1, 4).mean(1)
        measured.append(None if left is None else left.tolist())
    layers = range(len(measured))
    curves = _references(lower, upper)
    references = {
        title: [curve(grid, layer).tolist() for layer in layers] for title, curve in curves.items()
    }
    return Polynomials(
        eigenvalues.tolist(),
        grid.tolist(),
        measured,
        references,
        [law(layer, lower, upper) for layer in layers],
        is_linear(model, found, model.answer(found.x, found.y)),
    )


def _references(lower: float, upper: float) -> dict[str, Callable[[Tensor, int], Tensor]]:
    """Residuals after as many steps as layers, with the constants that suit an interval."""
    alpha, rate = 1 / (upper**2 + lower**2), 2 / (upper + lower)
    return {
        "Newton": lambda s, steps: (1 - alpha * s.square()).pow(2.0**steps),
        "GD++": lambda s, steps: residual(s, *triangle_scalars(steps, upper)),
        "gradient descent": lambda s, steps: (1 - rate * s).pow(steps),
    }
