"""Chebyshev residuals: the smallest polynomials on an interval that are 1 at 0.

Newton's iteration and order 3 take them with the right scaling, for a spectrum that is known. A
step maps the residual R = I - X S by the scaled Chebyshev polynomial of its order. Those of
different degrees compose, T_m(T_n) = T_mn, so that after t steps of order p the residual is exactly
the scaled Chebyshev polynomial of degree 2 p^t in S. Among polynomials of that degree that are 1 at
0, it is the smallest in the maximum norm over the interval.
"""

from collections.abc import Iterator

import torch
from torch import Tensor


def chebyshev_inverse(S: Tensor, lower: float, upper: float, order: int = 2) -> Iterator[Tensor]:
    """Iterates X_t ``(batch, d, d)`` for symmetric S, whose spectrum lies in [lower, upper].

    Order 2 is X_{t+1} = c (2 X - X S X). Order 3 is X_{t+1} = X + c R (R + I) X. Raises ValueError
    unless 0 < lower <= upper.
    """
    constant, slope, scales = chebyshev_constants(lower, upper, order)
    identity = torch.eye(S.shape[-1], dtype=S.dtype, device=S.device)
    X = constant * identity + slope * S
    while True:
        yield X
        if order == 2:
            X = next(scales) * (2 * X - X @ S @ X)
        else:
            R = identity - X @ S
            X = X + next(scales) * R @ (R + identity) @ X


def chebyshev_constants(
    lower: float, upper: float, order: int = 2
) -> tuple[float, float, Iterator[float]]:
    """(c_0, c_1, c) of the Chebyshev scaling for order 2 or 3.

    The start is X_0 = c_0 I + c_1 S. It makes the residual T_2(u) / T_2(u_0) with
    u = (lower + upper - 2 S) / (upper - lower), which is bounded by delta_0 = 1 / T_2(u_0). A step
    maps residuals in [-delta, delta] by

        order 2:  (1 - c) + c R^2,      c = 2 / (2 - delta^2),   delta <- delta^2 / (2 - delta^2),
        order 3:  (1 - c) R + c R^3,    c = 4 / (4 - 3 delta^2), delta <- delta^3 / (4 - 3 delta^2),

    the scaled T_2 and T_3 there. Raises ValueError unless 0 < lower <= upper.
    """
    if not 0 < lower <= upper:
        raise ValueError(f"the spectrum must satisfy 0 < lower <= upper, found ({lower}, {upper})")
    total, length = lower + upper, upper - lower
    denominator = 2 * total**2 - length**2
    scales = chebyshev_scales(length**2 / denominator, order)
    return 8 * total / denominator, -8 / denominator, scales


def chebyshev_scales(delta: float, order: int) -> Iterator[float]:
    """The c of each step, from a bound delta_0 on the first residual."""
    while True:
        if order == 2:
            yield 2 / (2 - delta**2)
            delta = delta**2 / (2 - delta**2)
        else:
            yield 4 / (4 - 3 * delta**2)
            delta = delta**3 / (4 - 3 * delta**2)


def scaled_residuals(
    eigenvalues: Tensor, lower: float, upper: float, order: int
) -> Iterator[Tensor]:
    """rho(lambda) of ``chebyshev_inverse`` after 0, 1, 2, ... steps."""
    constant, slope, scales = chebyshev_constants(lower, upper, order)
    rho = 1 - eigenvalues * (constant + slope * eigenvalues)
    for scale in scales:
        yield rho
        rho = (1 - scale) * rho ** (order - 2) + scale * rho**order


def extremes(degree: int, lower: float, upper: float) -> Tensor:
    """Where |``chebyshev_residual``| is largest on [l, u], ``(degree + 1,)``.

    Raises ValueError for degree < 1.
    """
    if degree < 1:
        raise ValueError(f"degree must be at least 1, found {degree}")
    angles = torch.arange(degree + 1, dtype=torch.float64) * torch.pi / degree
    return (upper + lower) / 2 + (upper - lower) / 2 * angles.cos()


def chebyshev_residual(s: Tensor, degree: int, lower: float, upper: float) -> Tensor:
    """T_m(z(s)) / T_m(z(0)) with z(s) = (u + l - 2 s) / (u - l), of the shape of s.

    It is the product of 1 - s / s_j over its zeros s_j in [l, u].
    """
    angles = (torch.arange(degree, dtype=s.dtype, device=s.device) + 0.5) * torch.pi / degree
    zeros = (upper + lower) / 2 + (upper - lower) / 2 * angles.cos()
    return (1 - s.unsqueeze(-1) / zeros).prod(-1)
