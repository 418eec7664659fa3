"""Nesterov's accelerated gradient descent on the logistic loss."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.logistic_gradient_descent import smoothness
from icnewton.algorithms.parts.accelerated import accelerated
from icnewton.algorithms.parts.logistic import FIRST_ORDER_STEPS, weights
from icnewton.problems.parts.logistic_loss import gradient


def logistic_nesterov(x: Tensor, y: Tensor, mu: float) -> Iterator[Tensor]:
    """Iterates ``(batch, d)`` from 0 with step 1 / L for each prompt; f is mu-strongly convex."""
    start, L = torch.zeros_like(x[..., 0, :]), smoothness(x, y, mu).unsqueeze(-1)
    return accelerated(partial(gradient, x=x, y=y, mu=mu), start, L, mu)


ENTRIES = {
    "logistic_nesterov": Algorithm(
        title="Nesterov",
        problem="logistic",
        answers=weights(logistic_nesterov),
        steps=FIRST_ORDER_STEPS,
        layers=1.0,  # as many as gradient descent
    )
}
