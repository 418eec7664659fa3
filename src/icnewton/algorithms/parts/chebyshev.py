"""Newton's iteration with Chebyshev scaling, for a spectrum that is known."""

from collections.abc import Iterator

import torch
from torch import Tensor


def chebyshev_inverse(S: Tensor, lower: float, upper: float) -> Iterator[Tensor]:
    """Newton's iteration with Chebyshev scaling, for symmetric S ``(batch, d, d)``.

    The spectrum of S must lie in [lower, upper]. The residual I - X_t S is exactly the scaled
    Chebyshev polynomial of degree 2^(t+1) in S. Among polynomials of that degree that are 1 at 0,
    it is the smallest in the maximum norm over the interval.
    """
    constant, slope, scales = chebyshev_constants(lower, upper)
    X = constant * torch.eye(S.shape[-1], dtype=S.dtype, device=S.device) + slope * S
    while True:
        yield X
        X = next(scales) * (2 * X - X @ S @ X)


def chebyshev_constants(lower: float, upper: float) -> tuple[float, float, Iterator[float]]:
    """(c_0, c_1, c) of the Chebyshev scaling.

    The iteration is X_0 = c_0 I + c_1 S and X_{t+1} = c_t (2 X_t - X_t S X_t). X_0 makes the
    residual T_2(u) / T_2(u_0) with u = (lower + upper - 2 S) / (upper - lower), which is bounded
    by delta_0 = 1 / T_2(u_0). A step maps residuals by (1 - c) + c R^2. That is the scaled T_2 on
    [-delta, delta] for c = 2 / (2 - delta^2), and then delta <- delta^2 / (2 - delta^2). Raises
    ValueError unless 0 < lower <= upper.
    """
    if not 0 < lower <= upper:
        raise ValueError(f"the spectrum must satisfy 0 < lower <= upper, found ({lower}, {upper})")
    total, length = lower + upper, upper - lower
    denominator = 2 * total**2 - length**2

    def scales() -> Iterator[float]:
        delta = length**2 / denominator
        while True:
            yield 2 / (2 - delta**2)
            delta = delta**2 / (2 - delta**2)

    return 8 * total / denominator, -8 / denominator, scales()
