"""The law without a condition number: the training residual of L layers is 3^-L in the worst case.

Linear attention models, m and the four prompts of a point are those of ``minimax.py``.

**Theorem.** On prompts with spec(A^T A) in (0, u] and ||w|| = 1 the least worst training residual
||A w_hat - y|| of L layers is sqrt(u) 3^-L, whatever the condition number. A model
that is not linear in its query has no w_hat; the largest sqrt(s) |y_hat - a^T w| over A^T A = s I
and a = w stands for the residual then.

*Not less.* Let r be as in the proof of the minimax law, and N = 3^L = 2 m + 1. Then
P(t) = t r(u t^2) is odd, of degree at most N, with P'(0) = 1, and so is R = (-1)^m T_N / N. Let
t_j = cos(j pi / N), where |R| = 1 / N with alternating signs. If |P| were smaller than 1 / N at all
of them, R - P would have a zero between any two. Between the two middle ones lies 0, where R - P is
odd without a linear term and has a zero of order three: N + 2 zeros, although its degree is at most
N. The points with t > 0 suffice, since both are odd. QED

*Attained* by one head of width d + 1, ``constructions/gdpp.py``: its P is R, by the triple angle.
"""

import torch
from torch import Tensor

from icnewton.algorithms.parts.extremal import degree
from icnewton.theory.minimax import Witness, prompts_at


def law(layers: int, upper: float) -> float:
    """sqrt(u) 3^-L."""
    return float(upper**0.5 / 3**layers)


def extremes(layers: int, upper: float) -> Tensor:
    """The m + 1 eigenvalues s = u t_j^2 where sqrt(s) |r(s)| decides."""
    angles = torch.arange(degree(layers) + 1, dtype=torch.float64) * torch.pi / 3**layers
    return upper * angles.cos().square()


def witness(layers: int, upper: float, d: int, n: int, seed: int = 0) -> Witness:
    """Prompts of which one has sqrt(s) |error| of at least ``law``, for every model.

    Raises ValueError unless n >= d.
    """
    return prompts_at(extremes(layers, upper), d, n, seed)
