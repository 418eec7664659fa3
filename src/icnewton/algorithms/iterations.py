"""Reference algorithms as generators of iterates: batched, in the dtype given (float64 wherever
results are reported).

Every generator is endless and yields its start first; take T steps with ``nth(iterates, T)`` or
``islice``.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from icnewton.models.inputs import require


def nth(iterates: Iterator[Tensor], steps: int) -> Tensor:
    """The iterate after ``steps`` steps (0 is the start)."""
    return next(islice(iterates, steps, None))


def gram_matrix(x: Tensor, ridge: float = 0.0) -> Tensor:
    """S = A^T A + ridge * I, ``(batch, d, d)``, from examples ``(batch, n, d)``."""
    return x.mT @ x + ridge * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def moment(x: Tensor, y: Tensor) -> Tensor:
    """b = A^T y, ``(batch, d)``, from ``(batch, n, d)`` and ``(batch, n)``; raises ValueError on
    other shapes.
    """
    require({"x": (x, ("n", "d")), "y": (y, ("n",))})
    return (x.mT @ y.unsqueeze(-1)).squeeze(-1)


def newton_start(S: Tensor, rule: Literal["paper", "optimal"] | float = "paper") -> Tensor:
    """X_0 = alpha S for the inverse of a symmetric positive definite S, ``(batch, d, d)``.

    Rules: ``optimal`` is alpha = 2 / (lambda_max^2 + lambda_min^2) per prompt; ``paper`` is half of
    it, as in the paper's experiments; a number is used as it is, for every prompt. Newton converges
    for 0 < alpha < 2 / lambda_max^2.
    """
    if not isinstance(rule, str):
        return rule * S
    spectrum = torch.linalg.eigvalsh(S)
    numerator = {"paper": 1.0, "optimal": 2.0}[rule]
    return numerator / (spectrum[:, -1] ** 2 + spectrum[:, 0] ** 2).view(-1, 1, 1) * S


def newton_inverse(A: Tensor, X0: Tensor, order: int = 2) -> Iterator[Tensor]:
    """The order-p family for A^{-1} (Sec. 3.4, Li & Li 2010), all tensors ``(batch, d, d)``; order
    2 is Newton's.

    X_{t+1} = X_t sum_{m<p} (-1)^m C(p, m+1) (A X_t)^m, which equals X_t sum_{m<p} (I - A X_t)^m.
    The second form, by Horner's rule, is used: the binomial coefficients of the first cancel badly
    for large p. Where A is singular, the pseudo-inverse is approached, but rounding errors in the
    null space grow p-fold in every step. Raises ValueError on an order below 2 and on shapes that
    differ.
    """
    if order < 2:
        raise ValueError(f"order must be at least 2, found {order}")
    require({"A": (A, ("d", "d")), "X0": (X0, ("d", "d"))})
    identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    X = X0
    while True:
        yield X
        residual = identity - A @ X
        series = identity + residual
        for _ in range(order - 2):
            series = identity + residual @ series
        X = X @ series


def chebyshev_inverse(S: Tensor, lower: float, upper: float) -> Iterator[Tensor]:
    """Newton's iteration with Chebyshev scaling, for symmetric S ``(batch, d, d)`` with spectrum in
    [lower, upper].

    The residual I - X_t S is exactly the scaled Chebyshev polynomial of degree 2^(t+1) in S: the
    smallest in the maximum norm over the interval among polynomials of that degree that are 1 at 0.
    """
    constant, slope, scales = chebyshev_constants(lower, upper)
    X = constant * torch.eye(S.shape[-1], dtype=S.dtype, device=S.device) + slope * S
    while True:
        yield X
        X = next(scales) * (2 * X - X @ S @ X)


def chebyshev_constants(lower: float, upper: float) -> tuple[float, float, Iterator[float]]:
    """(c_0, c_1, c) of the Chebyshev scaling: X_0 = c_0 I + c_1 S and X_{t+1} = c_t (2 X_t - X_t S
    X_t).

    X_0 makes the residual T_2(u) / T_2(u_0) with u = (lower + upper - 2 S) / (upper - lower),
    bounded by delta_0 = 1 / T_2(u_0). A step maps residuals by (1 - c) + c R^2, which is the scaled
    T_2 on [-delta, delta] for c = 2 / (2 - delta^2), and then delta <- delta^2 / (2 - delta^2).
    Raises ValueError unless 0 < lower <= upper.
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


def gradient_descent(
    S: Tensor, b: Tensor, step: Literal["optimal", "line_search"] = "optimal"
) -> Iterator[Tensor]:
    """Iterates w_t ``(batch, d)`` of gradient descent from 0 on w^T S w / 2 - b^T w.

    Steps: ``optimal`` is the best fixed one, 2 / (lambda_max + lambda_min) per prompt;
    ``line_search`` is exact.
    """
    w = torch.zeros_like(b)
    spectrum = torch.linalg.eigvalsh(S)
    fixed = (2 / (spectrum[:, -1] + spectrum[:, 0])).unsqueeze(-1)
    while True:
        yield w
        r = b - _apply(S, w)
        w = w + (fixed if step == "optimal" else _ratio(_dot(r, r), _dot(r, _apply(S, r)))) * r


def conjugate_gradient(S: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Iterates w_t ``(batch, d)`` of conjugate gradients from 0 for S w = b."""
    w, r = torch.zeros_like(b), b
    p, rr = r, _dot(r, r)
    while True:
        yield w
        Sp = _apply(S, p)
        step = _ratio(rr, _dot(p, Sp))
        w, r = w + step * p, r - step * Sp
        previous, rr = rr, _dot(r, r)
        p = r + _ratio(rr, previous) * p


def direct_solve(S: Tensor, b: Tensor) -> Tensor:
    """The solution w ``(batch, d)`` of S w = b, by Cholesky; raises torch.linalg.LinAlgError if S
    is not positive.
    """
    return torch.cholesky_solve(b.unsqueeze(-1), torch.linalg.cholesky(S)).squeeze(-1)


def _apply(S: Tensor, w: Tensor) -> Tensor:
    return (S @ w.unsqueeze(-1)).squeeze(-1)


def _dot(u: Tensor, v: Tensor) -> Tensor:
    return (u * v).sum(-1, keepdim=True)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, and 0 where the denominator has vanished: the iterate has converged
    there.
    """
    return torch.where(
        denominator > 0, numerator / denominator.clamp_min(torch.finfo(numerator.dtype).tiny), 0.0
    )
