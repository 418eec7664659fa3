"""Nesterov's accelerated gradient descent on the least-squares loss."""

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.accelerated import accelerated
from icnewton.algorithms.parts.normal_equations import Iterates, apply, predictions


def nesterov(S: Tensor, b: Tensor) -> Iterates:
    """Iterates w_t ``(batch, d)`` from 0 on w^T S w / 2 - b^T w.

    The step is 1 / lambda_max and the momentum (sqrt(kappa) - 1) / (sqrt(kappa) + 1), for each
    prompt.
    """
    spectrum = torch.linalg.eigvalsh(S)

    def gradient(w: Tensor) -> Tensor:
        return apply(S, w) - b

    return accelerated(gradient, torch.zeros_like(b), spectrum[:, -1:], spectrum[:, :1])


ENTRIES = {
    "nesterov": Algorithm(
        title="Nesterov",
        problem="linear",
        answers=predictions(nesterov),
        steps=(*range(9), 12, 16, 24, 32, 48, 64),
        layers=1.0,  # a step of gradient descent, and the momentum from the identity in the tokens
    )
}
