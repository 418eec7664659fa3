"""Gradient descent on the least-squares loss with the best fixed step."""

from typing import Literal

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.normal_equations import Iterates, apply, dot, predictions, ratio


def gradient_descent(
    S: Tensor, b: Tensor, step: Literal["optimal", "line_search"] = "optimal"
) -> Iterates:
    """Iterates w_t ``(batch, d)`` of gradient descent from 0 on w^T S w / 2 - b^T w.

    Step ``optimal`` is the best fixed one, 2 / (lambda_max + lambda_min) for each prompt;
    ``line_search`` is exact.
    """
    w = torch.zeros_like(b)
    spectrum = torch.linalg.eigvalsh(S)
    fixed = (2 / (spectrum[:, -1] + spectrum[:, 0])).unsqueeze(-1)
    while True:
        yield w
        r = b - apply(S, w)
        length = fixed if step == "optimal" else ratio(dot(r, r), dot(r, apply(S, r)))
        w = w + length * r


ENTRIES = {
    "gradient_descent": Algorithm(
        title="gradient descent",
        problem="linear",
        answers=predictions(gradient_descent),
        steps=(*range(9), 12, 16, 24, 32, 48, 64, 96, 128, 192, 256),
        layers=1.0,  # von Oswald et al., arXiv 2212.07677
    )
}
