"""GD++ (von Oswald et al., arXiv 2212.07677) with the scalars of the triangle.

Layer l takes a step of gradient descent on the labels and one on the examples, whose Gram matrix is
then S_{l+1}. What is left of w after L layers is r(S) w with

    r(lambda) = prod_l (1 - gamma_l lambda_l),
    lambda_0 = lambda,   lambda_{l+1} = lambda_l (1 - eta_l lambda_l)^2,

of degree (3^L - 1) / 2. ``constructions/gdpp.py`` has the proof and the transformer.
"""

from collections.abc import Sequence
from itertools import count

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.normal_equations import Iterates, apply, predictions


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

    Examples are multiplied by P_t, a polynomial in S, and S_t = S P_t^2. What is left of the labels
    is R_t, and w_{t+1} = w_t + gamma_t P_t^2 R_t b.
    """
    identity = torch.eye(S.shape[-1], dtype=S.dtype, device=S.device)
    upper = torch.linalg.eigvalsh(S)[:, -1].view(-1, 1, 1)
    w, P, R = torch.zeros_like(b), identity, identity
    for layer in count():
        yield w
        gamma = triangle(layer, upper)
        w = w + apply(gamma * P @ P @ R, b)
        left = identity - gamma * S @ P @ P
        P, R = P @ left, R @ left


ENTRIES = {
    "gdpp": Algorithm(
        title="GD++, triangle",
        problem="linear",
        answers=predictions(descent),
        steps=tuple(range(7)),
        layers=1.0,
    )
}
