"""In-context logistic regression (App. D): w ~ N(0, I) and labels the sign of w^T a.

The answer is the minimiser of the regularised loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from icnewton.problems import Measure, Problem
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.covariances import covariance_of, sample_examples
from icnewton.problems.parts.logistic_loss import loss, minimise
from icnewton.problems.parts.prompts import Prompts
from icnewton.protocols import gaussian
from icnewton.typed import Within


@dataclass(frozen=True)
class LogisticPrompts(Prompts):
    """A batch of prompts.

    x: ``(batch, n, d)`` examples.
    y: ``(batch, n)`` labels, -1 or 1.
    w: ``(batch, d)`` true weights.
    target: ``(batch, d)`` the minimiser of Eq. (3.5), to which Newton's method converges.
    """

    def error(self, answers: Tensor) -> Tensor:
        """Squared distances to the minimiser over its squared norm, ``(batch,)``."""
        size = self.target.square().sum(-1)
        return (answers - self.target).square().sum(-1) / size


@dataclass(frozen=True)
class LogisticCondition(Condition):
    """Where logistic prompts come from; mu is the regularisation in Eq. (3.5)."""

    problem = "logistic"
    stream_word = "LogisticCondition"

    mu: Annotated[float, Within(1e-9, 1e6), "Regularisation of the logistic loss."]

    def own_words(self) -> list[str]:
        """The regularisation in words."""
        return [f"μ = {self.mu:g}"]


def sample_logistic(
    condition: LogisticCondition,
    covariances: int,
    prompts_each: int,
    source: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> LogisticPrompts:
    """``covariances * prompts_each`` prompts on the generator's device.

    Prompts of one covariance are adjacent. Targets are computed in float64, to a gradient norm of
    1e-12, or of 1e-8 where they are rounded to float32 afterwards.
    """
    batch = covariances * prompts_each
    x = sample_examples(condition, covariances, prompts_each, condition.n, source, dtype)[0]
    w = gaussian((batch, condition.d), source, dtype)
    y = torch.where((x @ w.unsqueeze(-1)).squeeze(-1) < 0, -1.0, 1.0).to(dtype)
    tolerance = 1e-12 if dtype == torch.float64 else 1e-8
    target = minimise(x.double(), y.double(), condition.mu, tolerance).to(dtype)
    return LogisticPrompts(x, y, w, target, covariance_of(covariances, prompts_each, source))


def judge(
    answers: Tensor, prompts: LogisticPrompts, condition: LogisticCondition
) -> Mapping[str, Tensor]:
    """Loss f(w), excess f(w) - f(w*) and distance ||w - w*|| / ||w*||, where w* minimises f.

    An excess below zero is rounding and counts as zero.
    """
    x, y, mu = prompts.x, prompts.y, condition.mu
    lowest, norm = loss(prompts.target, x, y, mu), torch.linalg.vector_norm(prompts.target, dim=-1)
    value = loss(answers, x, y, mu).nan_to_num(nan=torch.inf)
    distance = torch.linalg.vector_norm(answers - prompts.target, dim=-1) / norm
    return {"loss": value, "excess": (value - lowest).clamp_min(0), "distance": distance}


ENTRIES = {
    "logistic": Problem(
        title="logistic regression",
        condition=LogisticCondition,
        sizes=(5, 26),
        prompts=LogisticPrompts,
        sample=sample_logistic,
        judge=judge,
        measures={
            "loss": Measure("loss", "median logistic loss"),
            "excess": Measure("excess", "median excess loss f(w) − f(w*)"),
            "distance": Measure("distance", "median ‖w − w*‖ / ‖w*‖"),
            "training_error": Measure(
                "training_error", "mean squared error of w, end of training", is_final_loss=True
            ),
        },
        formats=("logistic", "hidden_label"),
        chunk=32,
    )
}
