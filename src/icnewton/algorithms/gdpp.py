"""GD++ (von Oswald et al., arXiv 2212.07677) with the scalars of the triangle.

Layer l takes a step of gradient descent on the labels and one on the examples, whose Gram matrix is
then S_{l+1}. What is left of w after L layers is r(S) w with

    r(lambda) = prod_l (1 - gamma_l lambda_l),
    lambda_0 = lambda,   lambda_{l+1} = lambda_l (1 - eta_l lambda_l)^2,

of degree (3^L - 1) / 2. ``constructions/gdpp.py`` has the proof and the transformer.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.normal_equations import Iterates, apply, predictions

LAYERS = 60  # 3^-60 is 2e-29


def triangle(layer: int, upper: float | Tensor) -> float | Tensor:
    """gamma_l = eta_l = (4/3) 9^l / u, with which sqrt(lambda) |r(lambda)| <= sqrt(u) 3^-L."""
    return 4 / 3 * 9.0**layer / upper


def residual(
    lam: Tensor, gammas: Sequence[float] | Tensor, etas: Sequence[float] | Tensor
) -> Tensor:
    """r(lambda), of the shape of ``lam``; there is one eta fewer."""
    left = torch.ones_like(lam)
    for layer, gamma in enumerate(gammas):
        left = left * (1 - gamma * lam)
        if layer < len(etas):
            lam = lam * (1 - etas[layer] * lam).square()
    return left


def descent(S: Tensor, b: Tensor) -> Iterates:
    """Iterates w_t ``(batch, d)`` from 0, with the triangle's scalars for each prompt.

    Along an eigenvector examples are multiplied by p_t and what is left of the labels by r_t, so
    that w_{t+1} = w_t + gamma_t p_t^2 r_t b. The eigenvalue lambda p_t^2 of layer t is at most
    u / 9^t. Rounding beyond that would grow ninefold in every layer, and is cut off. After 60
    layers, far below float64, w_t stays.
    """
    eigenvalues, V = torch.linalg.eigh(S)
    b, upper = apply(V.mT, b), eigenvalues[:, -1:]
    w, p, r = torch.zeros_like(b), torch.ones_like(b), torch.ones_like(b)
    for layer in range(LAYERS):
        yield apply(V, w)
        gamma = triangle(layer, upper)
        w = w + gamma * p.square() * r * b
        left = 1 - gamma * (eigenvalues * p.square()).minimum(upper / 9.0**layer)
        p, r = p * left, r * left
    while True:
        yield apply(V, w)


ENTRIES = {
    "gdpp": Algorithm(
        title="GD++, triangle",
        problem="linear",
        answers=predictions(descent),
        steps=tuple(range(7)),
        layers=1.0,
    )
}
