"""Constants for built models, from prompts or from a condition.

A theorem's alpha or spectrum is baked into the weights, so it must suit every prompt. Models notice
prompts that it does not suit.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from icnewton.algorithms.parts.normal_equations import gram_matrix
from icnewton.inputs import as_tensor, not_finite
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator

PROMPTS = 4096


@cache
def spectrum_of(condition: LinearCondition) -> tuple[float, float]:
    """Smallest and largest eigenvalue of A^T A over 4096 prompts from their own random stream."""
    prompts = sample(condition, PROMPTS, 1, generator("calibration", condition))
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(prompts.x[:, :-1]))
    return eigenvalues.min().item(), eigenvalues.max().item()


@dataclass(frozen=True)
class Calibration:
    """What settings of a built model would suit some prompts.

    spectrum: bounds on the eigenvalues of A^T A, widened by the margin at both ends.
    alpha: with which Newton's iteration from alpha A^T A converges, 1 / upper^2.
    scale: by which x may be multiplied, so that a mean eigenvalue of A^T A is n; spectrum and alpha
        are those before.
    margin: how much wider than the prompts' own spectrum the bounds are.
    """

    spectrum: tuple[float, float]
    alpha: float
    scale: float
    margin: float

    @property
    def upper(self) -> float:
        """The upper bound."""
        return self.spectrum[1]


def calibrate(x: Any, margin: float = 0.25) -> Calibration:
    """Safe settings for prompts x, ``(batch, n + 1, d)`` with the query last.

    Other prompts of the same kind have other eigenvalues; a margin of 0.25 widens [l, u] to
    [l / 1.25, 1.25 u]. Raises ValueError on other shapes, values that are not finite, a margin
    below 0, and prompts with fewer examples than dimensions, whose spectrum has no lower bound.
    """
    x = as_tensor("x", x, torch.device("cpu")).double()
    if x.ndim != 3 or len(x) < 1 or x.shape[1] - 1 < x.shape[2]:
        found = f"{tuple(x.shape)}"
        raise ValueError(f"x must be (batch, n + 1, d) with n at least d, found {found}")
    if words := not_finite(x=x):
        raise ValueError(words)
    if not margin >= 0:
        raise ValueError(f"margin must be at least 0, found {margin}")
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(x[:, :-1]))
    lower, upper = eigenvalues.min().item(), eigenvalues.max().item()
    if lower <= x.shape[2] * torch.finfo(x.dtype).eps * upper:
        found = f"eigenvalues of A^T A from {lower:.3g} to {upper:.3g}"
        raise ValueError(f"x must have examples that span all dimensions, found {found}")
    lower, upper = lower / (1 + margin), (1 + margin) * upper
    scale = float(eigenvalues.mean() / (x.shape[1] - 1)) ** -0.5
    return Calibration((lower, upper), 1 / upper**2, scale, margin)
