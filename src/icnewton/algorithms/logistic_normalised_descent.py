"""Normalised gradient descent on the logistic loss, which one softmax layer can do (Zhang and Cao,
arXiv 2605.06609).
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.logistic import FIRST_ORDER_STEPS, weights
from icnewton.problems.parts.logistic_loss import gradient


def normalised_descent(x: Tensor, y: Tensor, mu: float) -> Iterator[Tensor]:
    """Iterates ``(batch, d)`` from 0: step t has the length 1 / (t + 1), whatever the gradient.

    Lengths whose sum diverges reach every minimiser. A length that stays would circle it.
    """
    w, t = torch.zeros_like(x[..., 0, :]), 0
    while True:
        yield w
        direction = torch.nn.functional.normalize(gradient(w, x, y, mu), dim=-1)
        w, t = w - direction / (t + 1), t + 1


ENTRIES = {
    "logistic_normalised_descent": Algorithm(
        title="normalised gradient descent",
        problem="logistic",
        answers=weights(normalised_descent),
        steps=FIRST_ORDER_STEPS,
        layers=1.0,
    )
}
