"""The bounds that the paper states for logistic regression, as functions.

O(.) has the constant 1, and logarithms are to base 2.
"""

import math
from typing import TypeVar

import pandas as pd

Number = TypeVar("Number", float, pd.Series)

LAYERS = 13  # what Figures 1 and 7 count for a Newton step
PHASE = 1 / 6  # Theorem 5.4: the decrement of g = f / (4 mu) below which convergence is quadratic
DECREASE = 0.01  # the least that g loses in a step before that


def condition_number(mu: float) -> float:
    """kappa_f <= (mu + 1/4) / mu, because ||a_i|| <= 1 and p_i (1 - p_i) <= 1/4."""
    return (mu + 0.25) / mu


def inner_steps(mu: float, error: float) -> float:
    """Theorem 5.2: k <= 2 log kappa_f + log log((1 + mu)^3 / (eps^2 mu^2))."""
    ratio = (1 + mu) ** 3 / (error**2 * mu**2)
    return 2 * math.log2(condition_number(mu)) + math.log2(math.log2(ratio))


def depth(mu: float, error: float) -> float:
    """Theorem 5.2: 11 + 2k layers a step."""
    return 11 + 2 * inner_steps(mu, error)


def width(d: int, mu: float, error: float) -> float:
    """Theorem 5.2: d (1 + mu)^6 / (eps^4 mu^8), the ReLU layers' width."""
    return d * (1 + mu) ** 6 / (error**4 * mu**8)


def distance(mu: float, error: float) -> float:
    """Theorem 5.1: sqrt(eps (1 + mu) / (4 mu)).

    It is the distance to the minimiser after enough steps.
    """
    return math.sqrt(error * (1 + mu) / (4 * mu))


def phases_error(mu: float) -> float:
    """min(0.01, 0.04 mu / (1 + mu)).

    It is the largest error of a step for which App. E.1 proves the two phases of Theorem 5.4.
    """
    return min(0.01, 0.04 * mu / (1 + mu))


def next_decrement(decrement: Number, mu: float, error: Number) -> Number:
    """What the decrement of g is at most after a damped step with this error.

    For an exact step it is 2 (decrement)^2. The error has length r in the norm of g's Hessian,
    whose eigenvalues are at most 1/4 + 1/(16 mu). Moving by r changes gradient and Hessian so that
    x becomes at most (x + r / (1 - r)) / (1 - r).
    """
    r = error * math.sqrt((mu + 0.25) / (4 * mu))
    return (2 * decrement**2 + r / (1 - r)) / (1 - r)
