"""Gradient descent on the logistic loss with the step 1 / L."""

from collections.abc import Iterator

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.logistic import FIRST_ORDER_STEPS, weights
from icnewton.problems.parts.logistic_loss import gradient


def logistic_gradient_descent(x: Tensor, y: Tensor, mu: float) -> Iterator[Tensor]:
    """Iterates of gradient descent from 0 with step 1 / L.

    L is that of each prompt.
    """
    w = torch.zeros_like(x[..., 0, :])
    L = smoothness(x, y, mu).unsqueeze(-1)
    while True:
        yield w
        w = w - gradient(w, x, y, mu) / L


def smoothness(x: Tensor, y: Tensor, mu: float) -> Tensor:
    """L = lambda_max(A^T A) / (4 n) + mu ``(batch,)``, which bounds the Hessian."""
    return torch.linalg.matrix_norm(x, 2).square() / (4 * y.shape[-1]) + mu


ENTRIES = {
    "logistic_gradient_descent": Algorithm(
        title="gradient descent, step 1/L",
        problem="logistic",
        answers=weights(logistic_gradient_descent),
        steps=FIRST_ORDER_STEPS,
        layers=1.0,  # as it is built here
    )
}
