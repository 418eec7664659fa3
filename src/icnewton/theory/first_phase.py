"""What a damped Newton step with an error gains, for every decrement (Theorem 5.4's first phase).

Let ||a_i|| <= 1 and g = f / (4 mu), which is self-concordant, L = mu + 1/4, t the decrement of g at
w, and e the Euclidean error of the step. Write k = e sqrt(L / mu).

**Theorem.** A step lowers g by at least

    w(t) - k t^2 / (1 + t) - k^2 / 8,    w(t) = t - log(1 + t).

For k < 1/2 that grows with t. While t >= 1/6, and for errors up to App. E.1's own bound,
min(0.01, 0.04 mu / (1 + mu)), it is at least 0.01217.

*Proof.* Let H be the Hessian of g at w, and p = -H^{-1} grad g / (1 + t) the exact step. Its local
norm is s = t / (1 + t).

    (1) The exact step lowers g by at least w(t) (Nesterov and Nemirovski).
    (2) grad g(w + p) = grad g t / (1 + t) + int_0^1 (H(w + r p) - H) p dr. By self-concordance
        H(w + r p) lies between (1 - r s)^2 H and (1 - r s)^-2 H. So both terms have dual norms
        of at most t^2 / (1 + t), the second because s (1 / (1 - s) - 1) = t^2 / (1 + t), and
        together at most 2 t^2 / (1 + t).
    (3) The Hessian of g is at most L / (4 mu) everywhere. So the Euclidean norm of the gradient
        there is at most sqrt(L / mu) t^2 / (1 + t), and an error e from there changes g by at most
        k t^2 / (1 + t) + e^2 L / (8 mu).
    (4) d/dt of the bound is t / (1 + t) (1 - k (2 + t) / (1 + t)), positive for k < 1/2.
    (5) With e = min(0.01, 0.04 mu / (1 + mu)) the largest k is at mu = 1/3, where both terms of the
        minimum are 0.01: k = 0.01 sqrt(7 / 4) < 0.01323. QED

The paper reads the second phase's threshold off plots for t <= 1 (Figure 10). Here no plot and no
range is needed, and c = e^T grad g does not appear.
"""

import math
from typing import TypeVar

import numpy as np
import pandas as pd

from icnewton.theory.bounds import PHASE

Number = TypeVar("Number", float, pd.Series)

LARGEST = 0.01 * math.sqrt(7 / 4)  # k for the errors of App. E.1


def relative_error(mu: float, error: Number) -> Number:
    """k = e sqrt(L / mu)."""
    return error * math.sqrt((mu + 0.25) / mu)


def gain(decrement: Number, k: Number) -> Number:
    """The least that g loses in a step."""
    t = decrement
    return t - np.log1p(t) - k * t**2 / (1 + t) - k**2 / 8


def least_gain() -> float:
    """The same over all decrements from 1/6 on, for the errors of App. E.1: at 1/6, by (4)."""
    return float(gain(PHASE, LARGEST))
