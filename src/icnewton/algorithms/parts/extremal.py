"""How small a polynomial that is 1 at 0 can be on an interval, as numbers: no torch is needed."""

import math


def degree(layers: int) -> int:
    """(3^L - 1) / 2, the largest degree of a residual after ``layers`` >= 0 layers.

    ``theory/minimax.py`` has the proof.
    """
    return (3**layers - 1) // 2


def least_maximum(degree: int, lower: float, upper: float) -> float:
    """1 / T_m((u + l) / (u - l)) for a degree m; 0 where l = u, and where it is below 1e-304."""
    if lower == upper:
        return 0.0
    exponent = degree * math.acosh((upper + lower) / (upper - lower))
    return 1 / math.cosh(exponent) if exponent < 700 else 0.0
