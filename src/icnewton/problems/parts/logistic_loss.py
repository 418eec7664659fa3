"""Regularised logistic regression (Eq. 3.5): loss, derivatives, Newton step and minimiser.

    f(w) = (1/n) sum_i log(1 + exp(-y_i w^T a_i)) + (mu/2) ||w||^2,       y_i in {-1, 1}

Everything is batched and stable for any margin. All functions take w ``(batch, d)``,
x ``(batch, n, d)``, y ``(batch, n)`` and mu > 0. They work in the dtype given (float64 wherever
results are reported) and raise ValueError on other shapes. f / (4 mu) is standard self-concordant
where ||a_i|| <= 1 (Proposition 3.3); its Newton decrement is lambda / (2 sqrt(mu)).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.inputs import require


class NewtonStep(NamedTuple):
    """The Newton direction and decrement.

    direction: ``(batch, d)``, H^{-1} grad f.
    decrement: ``(batch,)``, lambda = sqrt(grad f^T H^{-1} grad f).
    """

    direction: Tensor
    decrement: Tensor


def _margins(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    require({"w": (w, ("d",)), "x": (x, ("n", "d")), "y": (y, ("n",))})
    return y * (x @ w.unsqueeze(-1)).squeeze(-1)


def loss(w: Tensor, x: Tensor, y: Tensor, mu: float) -> Tensor:
    """f(w), ``(batch,)``."""
    return -F.logsigmoid(_margins(w, x, y)).mean(-1) + mu / 2 * w.square().sum(-1)


def gradient(w: Tensor, x: Tensor, y: Tensor, mu: float) -> Tensor:
    """grad f = -(1/n) sum_i y_i p_i a_i + mu w with p_i = sigma(-y_i w^T a_i), ``(batch, d)``."""
    p = torch.sigmoid(-_margins(w, x, y))
    return mu * w - ((y * p).unsqueeze(-2) @ x).squeeze(-2) / y.shape[-1]


def hessian(w: Tensor, x: Tensor, y: Tensor, mu: float) -> Tensor:
    """(1/n) A^T D A + mu I with D = diag(p_i (1 - p_i)), ``(batch, d, d)``."""
    m = _margins(w, x, y)
    root = (torch.sigmoid(m) * torch.sigmoid(-m)).sqrt().unsqueeze(-1) * x
    identity = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    return root.mT @ root / y.shape[-1] + mu * identity


def newton_step(w: Tensor, x: Tensor, y: Tensor, mu: float) -> NewtonStep:
    """The Newton direction and decrement at w, by Cholesky."""
    g = gradient(w, x, y, mu)
    factor = torch.linalg.cholesky(hessian(w, x, y, mu))
    direction = torch.cholesky_solve(g.unsqueeze(-1), factor).squeeze(-1)
    return NewtonStep(direction, (g * direction).sum(-1).clamp_min(0).sqrt())


def minimise(x: Tensor, y: Tensor, mu: float, tolerance: float = 1e-12, steps: int = 100) -> Tensor:
    """The minimiser ``(batch, d)`` of f, for any ||a_i||.

    Every prompt reaches a gradient norm of ``tolerance`` (float64). Newton steps are halved until f
    falls by a quarter of what the tangent promises. There is no halving once the decrement is so
    small that full steps converge quadratically (f has the constant max ||a_i|| / sqrt(mu) of
    self-concordance), because f itself is then flat to rounding. Raises ArithmeticError if
    ``steps`` do not suffice.
    """
    require({"x": (x, ("n", "d")), "y": (y, ("n",))})
    n, w = y.shape[-1], torch.zeros_like(x[..., 0, :])
    m = torch.zeros_like(y)  # margins y_i w^T a_i, kept along with w
    quadratic = mu**0.5 / (4 * torch.linalg.vector_norm(x, dim=-1).amax(-1).clamp_min(1.0))
    signed = y.unsqueeze(-1) * x
    ridge = mu * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    for _ in range(steps):
        p = torch.sigmoid(-m)
        g = mu * w - (p.unsqueeze(-2) @ signed).squeeze(-2) / n
        if bool((torch.linalg.vector_norm(g, dim=-1) <= tolerance).all()):
            return w
        root = (p * (1 - p)).sqrt().unsqueeze(-1) * x
        factor = torch.linalg.cholesky(root.mT @ root / n + ridge)
        direction = torch.cholesky_solve(g.unsqueeze(-1), factor)
        slopes, direction = (signed @ direction).squeeze(-1), direction.squeeze(-1)
        decrement = (g * direction).sum(-1).clamp_min(0).sqrt()
        length = _halved(w, m, direction, slopes, decrement, decrement > quadratic, mu)
        length = length.unsqueeze(-1)
        w, m = w - length * direction, m - length * slopes
    expected = f"a gradient norm of {tolerance} within {steps} Newton steps"
    raise ArithmeticError(f"expected {expected}, found more for mu = {mu}")


def _halved(
    w: Tensor,
    m: Tensor,
    direction: Tensor,
    slopes: Tensor,
    decrement: Tensor,
    far: Tensor,
    mu: float,
) -> Tensor:
    """Step lengths ``(batch,)``, halved from 1 until f falls enough where ``far``.

    Margins are m - length * slopes.
    """

    def f(length: Tensor) -> Tensor:
        at = length.unsqueeze(-1)
        squared = (w - at * direction).square().sum(-1)
        return -F.logsigmoid(m - at * slopes).mean(-1) + mu / 2 * squared

    length = torch.ones_like(decrement)
    if not bool(far.any()):
        return length
    start = f(torch.zeros_like(length))
    while bool((short := far & (f(length) > start - length * decrement.square() / 4)).any()):
        length = torch.where(short, length / 2, length)
    return length
