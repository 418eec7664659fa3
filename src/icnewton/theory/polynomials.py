"""The best fixed polynomial in the Gram matrix: a yardstick for layers of linear attention.

Three factors meet in a head, so the output of L layers has degree at most 3^L in the prompt's
entries. A prediction a_test^T p(S) b with S = A^T A and b = A^T y has degree 3 + 2 deg p. Hence
deg p <= (3^L - 3) / 2, which is 0, 3, 12, 39 for L = 1, 2, 3, 4. The best p of that degree for a
distribution of prompts is a linear least-squares problem.

Its mean error is no lower bound: general weights may also use invariants of the prompt such as
tr S (``invariants.py``). Nor does a sample of prompts determine p at every degree. Rare spectra
decide the mean, so that a fit to every quarter of the sample is held against that to all of it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.randomness import generator

BATCH, PARTS, AGREEMENT = 2000, 4, 1.4


def degree(layers: int) -> int:
    """The largest deg p of a prediction a_test^T p(S) b with ``layers`` >= 1 layers."""
    if layers < 1:
        raise ValueError(f"layers must be at least 1, found {layers}")
    return (3**layers - 3) // 2


def fitting_prompts(condition: LinearCondition, count: int) -> Iterator[LinearPrompts]:
    """At least ``count`` prompts of a condition to fit to, in batches of at most 2,000.

    There are enough batches for every part. They come from a random stream of their own.
    """
    size = min(BATCH, -(-count // PARTS))
    for index in range(-(-count // size)):
        yield sample(condition, size, 1, generator("polynomial", condition, index))


class Fits:
    """Linear least squares over a sample of prompts that is seen once, in parts.

    features: from prompts to values ``(batch, count)``, whose best combination is wanted. Each part
    is kept as the triangle R of a QR factorisation, whose size the sample does not change.
    """

    def __init__(self, features: Callable[[LinearPrompts], Tensor], count: int) -> None:
        self.features = features
        self.triangles: list[np.ndarray] = [np.zeros((0, count + 1)) for _ in range(PARTS)]

    def add(self, index: int, prompts: LinearPrompts) -> None:
        """Put prompts into the part of a batch's number."""
        root = prompts.scale.sqrt().unsqueeze(-1)
        columns = [self.features(prompts) / root, prompts.target.unsqueeze(-1) / root]
        part = index % PARTS
        self.triangles[part] = _triangle(self.triangles[part], torch.cat(columns, 1).numpy())

    def predict(self, prompts: LinearPrompts, count: int) -> Tensor:
        """What the best combination of the first features answers, ``(batch,)``.

        It has the least mean of (prediction - target)^2 / tr Sigma.
        """
        return self.features(prompts)[:, :count] @ self._best(count, range(PARTS))

    def determined(self, prompts: LinearPrompts, count: int) -> bool:
        """Whether a quarter of the sample would do: each gives the same median error on prompts.

        The same is a factor of at most 1.4. A fit that a larger sample would change fails.
        """
        values, medians = self.features(prompts)[:, :count], []
        for parts in (range(PARTS), *([part] for part in range(PARTS))):
            predicted = values @ self._best(count, parts)
            errors = (predicted - prompts.target).square() / prompts.scale
            medians.append(errors.median().item())
        return max(medians) <= AGREEMENT * min(medians)

    def _best(self, count: int, parts: Sequence[int]) -> Tensor:
        """The coefficients ``(count,)`` of the best combination over parts."""
        R = _triangle(*(self.triangles[part] for part in parts))
        size = np.maximum(np.linalg.norm(R[:, :count], axis=0), 1e-300)
        found = np.linalg.lstsq(R[:, :count] / size, R[:, -1], rcond=None)[0] / size
        return torch.from_numpy(found)


def _triangle(*blocks: np.ndarray) -> np.ndarray:
    """R of the QR factorisation of blocks that stand below each other."""
    return np.asarray(np.linalg.qr(np.vstack(blocks), mode="r"))


def polynomial_fits(degree: int, upper: float) -> Fits:
    """For all degrees up to one: the first k + 1 features are those of degree k.

    They are Chebyshev polynomials on [0, upper]; spectra may reach beyond.
    """
    return Fits(partial(features, degree=degree, upper=upper), degree + 1)


def features(prompts: LinearPrompts, degree: int, upper: float) -> Tensor:
    """Values a_test^T T_j(2 S / upper - I) b, ``(batch, degree + 1)``, by recurrence."""
    examples, query = prompts.x[:, :-1], prompts.x[:, -1]
    S = gram_matrix(examples)
    previous, current = torch.zeros_like(query), moment(examples, prompts.y)
    values = []
    for j in range(degree + 1):
        values.append((query * current).sum(-1))
        shifted = (2 / upper) * (S @ current.unsqueeze(-1)).squeeze(-1) - current
        previous, current = current, (shifted if j == 0 else 2 * shifted - previous)
    return torch.stack(values, -1)
