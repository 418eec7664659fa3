"""The method of conjugate gradients for the normal equations."""

import torch
from torch import Tensor

from icnewton.algorithms import Algorithm
from icnewton.algorithms.parts.normal_equations import Iterates, apply, dot, predictions, ratio


def conjugate_gradient(S: Tensor, b: Tensor) -> Iterates:
    """Iterates w_t ``(batch, d)`` of conjugate gradients from 0 for S w = b."""
    w, r = torch.zeros_like(b), b
    p, rr = r, dot(r, r)
    while True:
        yield w
        Sp = apply(S, p)
        step = ratio(rr, dot(p, Sp))
        w, r = w + step * p, r - step * Sp
        previous, rr = rr, dot(r, r)
        p = r + ratio(rr, previous) * p


ENTRIES = {
    "conjugate_gradient": Algorithm(
        title="conjugate gradients",
        problem="linear",
        answers=predictions(conjugate_gradient),
        steps=tuple(range(11)),
    )
}
