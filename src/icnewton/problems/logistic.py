"""In-context logistic regression prompts (App. D): examples as in ``prompts.py``, labels the sign
of w^T a.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from icnewton.problems.linear import PROTOCOLS, Condition, sample_examples
from icnewton.problems.parts.logistic_loss import minimise
from icnewton.typed import settle


@dataclass(frozen=True)
class LogisticPrompts:
    """A batch of prompts.

    x: ``(batch, n, d)`` examples. y: ``(batch, n)`` labels, -1 or 1. w: ``(batch, d)`` true
    weights. target: ``(batch, d)`` the minimiser of Eq. (3.5), which Newton's method converges to.
    covariance: ``(batch,)`` int64, which covariance a prompt came from.
    """

    x: Tensor
    y: Tensor
    w: Tensor
    target: Tensor
    covariance: Tensor


@dataclass(frozen=True)
class LogisticCondition:
    """Where prompts come from.

    protocol: ``paper`` and ``normalised`` are those of ``prompts.Condition``; ``bounded`` also
    divides the examples of a prompt by the largest of their norms, so that Assumption 3.2, ||a_i||
    <= 1, holds with equality. d, n: dimension and number of examples; kappa: condition number of
    the covariance; mu: the regularisation in Eq. (3.5).
    """

    protocol: str
    d: int
    n: int
    kappa: float
    mu: float

    def __post_init__(self) -> None:
        settle(self)
        if self.protocol != "bounded" and self.protocol not in PROTOCOLS:
            raise ValueError(
                f"protocol must be bounded or one of {sorted(PROTOCOLS)}, found {self.protocol!r}"
            )
        if not self.mu > 0:
            raise ValueError(f"mu must be positive, found {self.mu}")
        self.examples()

    def examples(self) -> Condition:
        """The condition of the examples alone; raises ValueError on a wrong d, n or kappa."""
        return Condition(
            "normalised" if self.protocol == "bounded" else self.protocol,
            self.d,
            self.n,
            self.kappa,
            0.0,
        )


def sample_logistic(
    condition: LogisticCondition,
    covariances: int,
    prompts_each: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> LogisticPrompts:
    """``covariances * prompts_each`` prompts, those of one covariance adjacent, on the generator's
    device.

    Targets are computed in float64, to a gradient norm of 1e-12, or of 1e-8 where they are then
    rounded to float32.
    """
    options: dict[str, Any] = {"generator": generator, "dtype": dtype, "device": generator.device}
    d, n, batch = condition.d, condition.n, covariances * prompts_each
    x = sample_examples(condition.examples(), covariances, prompts_each * n, generator, dtype)[
        0
    ].view(batch, n, d)
    if condition.protocol == "bounded":
        x = x / torch.linalg.vector_norm(x, dim=-1).amax(-1).view(-1, 1, 1)
    w = torch.randn(batch, d, **options)
    y = torch.where((x @ w.unsqueeze(-1)).squeeze(-1) < 0, -1.0, 1.0).to(dtype)
    target = minimise(
        x.double(), y.double(), condition.mu, 1e-12 if dtype == torch.float64 else 1e-8
    ).to(dtype)
    index = torch.arange(covariances, device=generator.device).repeat_interleave(prompts_each)
    return LogisticPrompts(x, y, w, target, index)
