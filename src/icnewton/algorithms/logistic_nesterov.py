"""Nesterov's accelerated gradient descent on the logistic loss."""

from collections.abc import Iterator

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.logistic_gradient_descent import smoothness
from icnewton.algorithms.parts.logistic import weights
from icnewton.problems.parts.logistic_loss import gradient


def logistic_nesterov(x: Tensor, y: Tensor, mu: float) -> Iterator[Tensor]:
    """Iterates ``(batch, d)`` from 0 with step 1 / L for each prompt.

    The loss is mu-strongly convex, so that the momentum is (sqrt(L) - sqrt(mu)) /
    (sqrt(L) + sqrt(mu)).
    """
    L = smoothness(x, y, mu).unsqueeze(-1)
    momentum = (L.sqrt() - mu**0.5) / (L.sqrt() + mu**0.5)
    w = previous = torch.zeros_like(x[..., 0, :])
    while True:
        yield w
        ahead = w + momentum * (w - previous)
        w, previous = ahead - gradient(ahead, x, y, mu) / L, w


ENTRIES = {
    "logistic_nesterov": Algorithm(
        title="Nesterov",
        problem="logistic",
        answers=weights(logistic_nesterov),
        steps=(0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
        layers=1.0,  # as many as gradient descent
    )
}
