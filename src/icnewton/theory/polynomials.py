"""The best fixed polynomial in the Gram matrix: a yardstick for layers of linear attention.

Three factors meet in a head, so the output of L layers has degree at most 3^L in the prompt's
entries. A prediction a_test^T p(S) b with S = A^T A and b = A^T y has degree 3 + 2 deg p. Hence
deg p <= (3^L - 3) / 2, which is 0, 3, 12, 39 for L = 1, 2, 3, 4. The best p of that degree for a
distribution of prompts is a linear least-squares problem.

This is a reference curve, not a lower bound. General weights may also use invariants of the prompt
such as tr S, and trained models do better with one to three layers. Nor is it proved that weights
of a given width express every polynomial of that degree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.randomness import generator

BATCH = 2000


def degree(layers: int) -> int:
    """The largest deg p of a prediction a_test^T p(S) b with ``layers`` >= 1 layers."""
    if layers < 1:
        raise ValueError(f"layers must be at least 1, found {layers}")
    return (3**layers - 3) // 2


def fitting_prompts(condition: LinearCondition, count: int) -> list[LinearPrompts]:
    """At least ``count`` prompts of a condition to fit to, in batches of 2,000.

    They come from a random stream of their own.
    """
    streams = [generator("polynomial", condition, i) for i in range(-(-count // BATCH))]
    return [sample(condition, BATCH, 1, stream) for stream in streams]


@dataclass(frozen=True)
class Polynomial:
    """p(S) = sum_j c_j T_j(2 S / upper - I), in Chebyshev polynomials on [0, upper].

    coefficients: ``(degree + 1,)``.
    """

    coefficients: Tensor
    upper: float

    def predict(self, prompts: LinearPrompts) -> Tensor:
        """a_test^T p(S) b, ``(batch,)``."""
        return _features(prompts, len(self.coefficients) - 1, self.upper) @ self.coefficients


def fit(batches: Sequence[LinearPrompts], degree: int) -> Polynomial:
    """The polynomial with the least mean of (prediction - target)^2 / tr Sigma over all prompts.

    Its interval holds the spectrum of every S. Outside it Chebyshev polynomials grow so quickly
    that a single eigenvalue would dominate the fit.
    """
    spectra = (torch.linalg.eigvalsh(gram_matrix(prompts.x[:, :-1])) for prompts in batches)
    upper = max(spectrum.max().item() for spectrum in spectra)
    rows, targets = [], []
    for prompts in batches:
        root = prompts.scale.sqrt()
        rows.append(_features(prompts, degree, upper) / root.unsqueeze(-1))
        targets.append(prompts.target / root)
    found = np.linalg.lstsq(torch.cat(rows).numpy(), torch.cat(targets).numpy(), rcond=None)
    return Polynomial(torch.from_numpy(found[0]), upper)


def _features(prompts: LinearPrompts, degree: int, upper: float) -> Tensor:
    """Values a_test^T T_j(2 S / upper - I) b, ``(batch, degree + 1)``, by recurrence."""
    examples, query = prompts.x[:, :-1], prompts.x[:, -1]
    S = gram_matrix(examples)
    previous, current = torch.zeros_like(query), moment(examples, prompts.y)
    features = []
    for j in range(degree + 1):
        features.append((query * current).sum(-1))
        shifted = (2 / upper) * (S @ current.unsqueeze(-1)).squeeze(-1) - current
        previous, current = current, (shifted if j == 0 else 2 * shifted - previous)
    return torch.stack(features, -1)
