"""The minimax law: what L layers of linear attention leave in the worst case on a spectrum.

A *linear attention model* has layers of linear attention alone, of any width, heads, biases and
scale, an affine embedding and an affine read-out; the query may be among the keys. It has no
LayerNorm, clip, softmax or feed-forward network. A prompt has examples A, labels y = A w and a
query a. Let m = (3^L - 1) / 2.

**Theorem.** On prompts with spec(A^T A) in [l, u] and ||a|| = ||w|| = 1 the least worst error
|y_hat - a^T w| of L layers is 1 / T_m((u + l) / (u - l)).

*Not less.* Take A = sigma U with U^T U = I and sigma = sqrt(s), and a = w. Three tokens meet in a
head, two of them examples or the query itself, so that entries of examples are polynomials in sigma
of degree at most 3^L after L layers, and those of the query of degree at most 3^L - 1. Let
f(sigma, y) be the answer. The mean of f over sigma and -sigma is even, so it is a polynomial in s
of degree at most m. Let q(s) be half the difference of these means for labels of w and of -w. At
s = 0 examples and labels vanish, so q(0) = 0 and r = 1 - q has r(0) = 1. The four prompts have
answers 1 and -1, hence the largest of their errors is at least |r(s)|. Let s_0 > ... > s_m be the
points where R(s) = T_m(z(s)) / T_m(z(0)), z(s) = (u + l - 2 s) / (u - l), takes its extreme values
on [l, u], of alternating sign. If |r| were smaller than |R| at all of them, R - r would have a zero
between any two, and one more at 0: m + 1 zeros, although its degree is at most m. QED

*Attained* by ``constructions/minimax.py``, whose residual is R.

The proof needs no more than 4 (m + 1) prompts. ``witness`` makes them: on one of them every linear
attention model of L layers errs by the law or more, whatever its weights.

**Corollary.** Chebyshev steps of order 3 have the residual of degree 2 3^T in T + 3 layers. Fewer
than T + 2 layers have m < 2 3^T, and so a larger worst error.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from icnewton.algorithms.parts.chebyshev import extremes
from icnewton.algorithms.parts.extremal import degree, least_maximum
from icnewton.randomness import generator


class Witness(NamedTuple):
    """Prompts of four kinds for each point s of a spectrum, in float64.

    x: ``(4 points, n + 1, d)``; y: ``(4 points, n)``; target: ``(4 points,)``, 1 or -1.
    s: ``(4 points,)``, for A^T A = s I.
    """

    x: Tensor
    y: Tensor
    target: Tensor
    s: Tensor


def law(layers: int, lower: float, upper: float) -> float:
    """1 / T_m((u + l) / (u - l)); 0 where l = u."""
    return least_maximum(degree(layers), lower, upper)


def prompts_at(s: Tensor, d: int, n: int, seed: int = 0) -> Witness:
    """The four prompts of the proof for each A^T A = s I; raises ValueError unless n >= d."""
    if n < d:
        raise ValueError(f"n must be at least d = {d}, found {n}")
    source = generator("witness", d, n, seed)
    U = torch.linalg.qr(torch.randn(n, d, generator=source, dtype=torch.float64)).Q
    w = torch.randn(d, generator=source, dtype=torch.float64)
    w = w / w.norm()
    points = s.repeat_interleave(4)
    of_examples = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=torch.float64).repeat(len(s))
    of_w = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64).repeat(len(s))
    A = (of_examples * points.sqrt()).view(-1, 1, 1) * U
    x = torch.cat([A, w.expand(len(A), 1, -1)], 1)
    return Witness(x, of_w.unsqueeze(-1) * (A @ w), of_w, points)


def witness(layers: int, lower: float, upper: float, d: int, n: int, seed: int = 0) -> Witness:
    """Prompts of which one has an error of at least ``law``, for every model of ``layers`` layers.

    Raises ValueError unless n >= d.
    """
    return prompts_at(extremes(degree(layers), lower, upper), d, n, seed)
