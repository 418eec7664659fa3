"""In-context linear regression (App. D): w ~ N(0, I) and labels y = w^T a + noise.

The answer is the query's label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from icnewton.problems import Measure, Problem
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.covariances import covariance_of, sample_examples
from icnewton.problems.parts.prompts import Prompts
from icnewton.protocols import gaussian
from icnewton.typed import Within


@dataclass(frozen=True)
class LinearPrompts(Prompts):
    """A batch of prompts.

    x: ``(batch, n + 1, d)`` examples, the query last.
    y: ``(batch, n)`` labels of the examples.
    w: ``(batch, d)`` true weights.
    target: ``(batch,)`` the query's label without noise, ``w^T a_test``.
    scale: ``(batch,)`` the trace of the covariance, E[target^2], which divides squared errors.
    """

    scale: Tensor

    def error(self, answers: Tensor) -> Tensor:
        """Squared errors over tr Sigma, ``(batch,)``."""
        return super().error(answers) / self.scale


@dataclass(frozen=True)
class LinearCondition(Condition):
    """Where linear prompts come from; noise is the standard deviation of label noise."""

    problem = "linear"
    stream_word = "Condition"

    noise: Annotated[float, Within(0, 1e6), "Standard deviation of the label noise."] = 0.0

    def own_words(self) -> list[str]:
        """The noise in words."""
        return [f"noise {self.noise:g}"]


def sample(
    condition: LinearCondition,
    covariances: int,
    prompts_each: int,
    source: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> LinearPrompts:
    """``covariances * prompts_each`` prompts on the generator's device.

    Prompts of one covariance are adjacent.
    """
    d, n, batch = condition.d, condition.n, covariances * prompts_each
    x, spectra = sample_examples(condition, covariances, prompts_each, n + 1, source, dtype)
    w = gaussian((batch, d), source, dtype)
    clean = (x @ w.unsqueeze(-1)).squeeze(-1)
    y = clean[:, :-1]
    if condition.noise:
        y = y + condition.noise * gaussian((batch, n), source, dtype)
    index = covariance_of(covariances, prompts_each, source)
    return LinearPrompts(x, y, w, clean[:, -1], index, spectra.sum(-1)[index])


def judge(
    answers: Tensor, prompts: LinearPrompts, condition: LinearCondition
) -> Mapping[str, Tensor]:
    """(prediction - target) / sqrt(tr Sigma), whose square is the relative error, and the squared
    error over d, which is what the paper shows.
    """
    error = answers - prompts.target
    return {"residual": error / prompts.scale.sqrt(), "squared_error": error.square() / prompts.d}


ENTRIES = {
    "linear": Problem(
        title="linear regression",
        condition=LinearCondition,
        sizes=(10, 50),
        prompts=LinearPrompts,
        sample=sample,
        judge=judge,
        measures={
            "error": Measure("residual", "median squared error / tr Σ", lambda values: values**2)
        },
        formats=("regression",),
    )
}
