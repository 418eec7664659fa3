"""Damped Newton on the logistic loss, which Theorem 5.2 emulates."""

from collections.abc import Iterator

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.logistic import weights
from icnewton.problems.parts.logistic_loss import newton_step


def damped_step(w: Tensor, x: Tensor, y: Tensor, mu: float) -> Tensor:
    """w - 2 sqrt(mu) / (2 sqrt(mu) + lambda(w)) H^{-1} grad f.

    This is the exact step that Theorem 5.2 emulates.
    """
    direction, decrement = newton_step(w, x, y, mu)
    damping = 2 * mu**0.5 / (2 * mu**0.5 + decrement)
    return w - damping.unsqueeze(-1) * direction


def damped_newton(x: Tensor, y: Tensor, mu: float) -> Iterator[Tensor]:
    """Iterates of damped Newton from 0."""
    w = torch.zeros_like(x[..., 0, :])
    while True:
        yield w
        w = damped_step(w, x, y, mu)


ENTRIES = {
    "damped_newton": Algorithm(
        title="damped Newton",
        problem="logistic",
        answers=weights(damped_newton),
        steps=(*range(9), 10, 12, 14, 16, 18, 20, 22, 24, 26, 30),
        layers=13.0,  # as the paper counts a step
    )
}
