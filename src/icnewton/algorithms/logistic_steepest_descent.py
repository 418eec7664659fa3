"""Gradient descent on the logistic loss with exact line search."""

from collections.abc import Iterator

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.logistic import weights
from icnewton.problems.parts.logistic_loss import gradient

LINE_SEARCH_BISECTIONS = 60


def logistic_steepest_descent(x: Tensor, y: Tensor, mu: float) -> Iterator[Tensor]:
    """Iterates of gradient descent from 0 with exact line search.

    The length of a step is the root of a monotone derivative, found by bisection.
    """
    w = torch.zeros_like(x[..., 0, :])
    while True:
        yield w
        g = gradient(w, x, y, mu)
        # f is mu-strongly convex, so the root is below 1 / mu
        low, high = torch.zeros_like(w[..., 0]), torch.full_like(w[..., 0], 1 / mu)
        for _ in range(LINE_SEARCH_BISECTIONS):
            middle = (low + high) / 2
            falls = (gradient(w - middle.unsqueeze(-1) * g, x, y, mu) * g).sum(-1) > 0
            low, high = torch.where(falls, middle, low), torch.where(falls, high, middle)
        w = w - low.unsqueeze(-1) * g


ENTRIES = {
    "logistic_steepest_descent": Algorithm(
        title="gradient descent, line search",
        problem="logistic",
        answers=weights(logistic_steepest_descent),
        steps=(0, 1, 2, 3, 4, 6, 8, 12, 16),
    )
}
