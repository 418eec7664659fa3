"""The Chebyshev semi-iteration, the best fixed sequence of gradient steps on a known interval."""

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.normal_equations import Iterates, apply, predictions


def semi_iteration(S: Tensor, b: Tensor) -> Iterates:
    """Iterates w_t ``(batch, d)`` from 0 for S w = b, on the interval of each prompt's spectrum.

    The residual is the Chebyshev polynomial of degree t in S, scaled to 1 at 0.
    """
    spectrum = torch.linalg.eigvalsh(S)
    centre = (spectrum[:, -1:] + spectrum[:, :1]) / 2
    radius = (spectrum[:, -1:] - spectrum[:, :1]) / 2
    w, r = torch.zeros_like(b), b
    ratio, move = radius / centre, b / centre
    while True:
        yield w
        w, r = w + move, r - apply(S, move)
        denominator = 2 * centre - ratio * radius
        ratio, move = radius / denominator, (ratio * radius * move + 2 * r) / denominator


ENTRIES = {
    "chebyshev": Algorithm(
        title="Chebyshev semi-iteration",
        problem="linear",
        answers=predictions(semi_iteration),
        steps=(*range(13), 16, 24, 32),
        layers=1.0,  # a step of gradient descent, and the last move from the identity in the tokens
    )
}
