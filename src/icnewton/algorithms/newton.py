"""Newton's iteration for the inverse of the Gram matrix, and its higher orders (Sec. 3.4)."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.normal_equations import Iterates, predictions
from icnewton.inputs import require


def newton_start(S: Tensor, rule: Literal["half", "optimal"] | float = "half") -> Tensor:
    """X_0 = alpha S for the inverse of a symmetric positive definite S, ``(batch, d, d)``.

    Rule ``optimal`` is alpha = 2 / (lambda_max^2 + lambda_min^2) for each prompt. ``half`` is half
    of it, as in the paper's experiments. A number is used as it is, for every prompt. Newton
    converges for 0 < alpha < 2 / lambda_max^2.
    """
    if not isinstance(rule, str):
        return rule * S
    spectrum = torch.linalg.eigvalsh(S)
    numerator = {"half": 1.0, "optimal": 2.0}[rule]
    return numerator / (spectrum[:, -1] ** 2 + spectrum[:, 0] ** 2).view(-1, 1, 1) * S


def newton_inverse(A: Tensor, X0: Tensor, order: int = 2) -> Iterator[Tensor]:
    """Iterates of the order-p family for A^{-1} (Sec. 3.4, Li & Li 2010); order 2 is Newton's.

    All tensors are ``(batch, d, d)``. A step is

        X_{t+1} = X_t sum_{m<p} (-1)^m C(p, m+1) (A X_t)^m = X_t sum_{m<p} (I - A X_t)^m.

    The second form is used, by Horner's rule: the binomial coefficients of the first cancel badly
    for large p. Where A is singular, the iterates approach the pseudo-inverse, but rounding errors
    in the null space grow p-fold in every step. Raises ValueError on an order below 2 and on
    shapes that differ.
    """
    if order < 2:
        raise ValueError(f"order must be at least 2, found {order}")
    require({"A": (A, ("d", "d")), "X0": (X0, ("d", "d"))})
    identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    X = X0
    while True:
        yield X
        residual = identity - A @ X
        series = identity + residual
        for _ in range(order - 2):
            series = identity + residual @ series
        X = X @ series


def _weights(order: int, S: Tensor, b: Tensor) -> Iterates:
    """w_t = X_t b of the iteration of an order, from the paper's start for each prompt."""
    for X in newton_inverse(S, newton_start(S), order):
        yield (X @ b.unsqueeze(-1)).squeeze(-1)


def _entry(order: int) -> Algorithm:
    built = order <= 4
    return Algorithm(
        title=f"Newton, order {order}",
        problem="linear",
        answers=predictions(partial(_weights, order)),
        steps=tuple(range(STEPS.get(order, 7))),
        construction="least_squares" if built else None,
        settings={"alpha": 1.0, "order": order} if built else {},
    )


STEPS = {2: 15, 3: 9}  # after which float64 has converged; 7 for the other orders
ENTRIES = {f"newton{order}": _entry(order) for order in range(2, 13)}
