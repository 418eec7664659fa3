"""The floor of the mean error at one and two layers: the best equivariant answer.

Let examples and noise be Gaussian with a covariance that is rotated at random, and weights standard
normal. Rotations of R^d change no law then, and no more do orthogonal maps of the n examples with
their labels, nor the signs of the labels with w, or of a. So the mean error of any answer is at
least that of its average over all these. The average is equivariant, a function of
G = (S, b, y^T y) with S = A^T A and b = A^T y, and odd in the labels and in a. The answer of L
layers of linear attention, whose query is no key, is affine in a, biases or not, so that its
average is linear in a. With m = (3^L - 1) / 2 it is a polynomial in the entries of G of degree at
most m, and a combination of

    a^T S^j b  times  products of  tr S^i, y^T y and b^T S^i b,

each of degree one for every factor S, b in a^T S^j b, and y^T y, and two for b^T b (Weyl). The best
combination is a linear least-squares problem, with one feature at L = 1 and 30 at L = 2. At L = 1
the answer c a^T b is itself one of the model's, so that the floor is attained.

It holds for noise-free and for noisy labels, and for any width, heads and biases, without learned
positions.
"""

from itertools import product

import torch
from torch import Tensor

from icnewton.algorithms.parts.normal_equations import apply, gram_matrix, moment
from icnewton.problems.linear import LinearPrompts


def features(prompts: LinearPrompts, degree: int) -> Tensor:
    """Values of all features up to a degree of at most 4, ``(batch, features)``.

    Examples and labels are divided by n and by d, so that values are of the order of 1. Raises
    ValueError for other degrees.
    """
    if not 1 <= degree <= 4:
        raise ValueError(f"degree must be from 1 to 4, found {degree}")
    examples, query = prompts.x[:, :-1], prompts.x[:, -1]
    n, d = examples.shape[1:]
    S, b = gram_matrix(examples) / n, moment(examples, prompts.y) / n
    invariants = _invariants(S, b, prompts.y.square().mean(1), d)
    found, vector = [], b
    for own in range(1, degree + 1):
        base, left = (query * vector).sum(-1), degree - own
        for powers in product(*(range(left // size + 1) for size, _ in invariants)):
            pairs = list(zip(powers, invariants, strict=True))
            if sum(power * size for power, (size, _) in pairs) <= left:
                factors = [value**power for power, (_, value) in pairs]
                found.append(base * torch.stack(factors).prod(0))
        vector = apply(S, vector)
    return torch.stack(found, -1)


def _invariants(S: Tensor, b: Tensor, labels: Tensor, d: int) -> list[tuple[int, Tensor]]:
    """Degrees and values ``(batch,)`` of those of degree at most 3."""
    S2, Sb = S @ S, apply(S, b)

    def trace(matrix: Tensor) -> Tensor:
        return matrix.diagonal(dim1=-2, dim2=-1).sum(-1) / d

    squares = [(2, (b * b).sum(-1) / d), (3, (b * Sb).sum(-1) / d)]
    return [(1, trace(S)), (1, labels), (2, trace(S2)), (3, trace(S2 @ S)), *squares]
