"""The domains of learned models: prompts like those that they were trained on."""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.domains.check import Check, share
from icnewton.domains.logistic import checked
from icnewton.inputs import not_finite, visible
from icnewton.models.model import Card, Model
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.parse import parse_condition
from icnewton.randomness import generator

PROMPTS = 4096  # that show what training saw
# Factor by which a quantity may leave that range; fewer than one training prompt in 5,000 does.
MARGIN = 1.25

Quantities = Mapping[str, Tensor]


def quantities(x: Tensor, y: Tensor, query: bool) -> Quantities:
    """What prompts are compared by, ``(batch,)`` each.

    Sizes are enough to tell scale, n and condition number apart. ``query``: x holds the query last.
    """
    examples = x[:, :-1] if query else x
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(examples)).clamp_min(0)
    found = {
        "smallest eigenvalue of A^T A": eigenvalues[:, 0],
        "largest eigenvalue of A^T A": eigenvalues[:, -1],
        "trace of A^T A": eigenvalues.sum(-1),
        "||y||^2": y.square().sum(-1),
    }
    if query:
        found["||a_test||^2"] = x[:, -1].square().sum(-1)
    return found


@cache
def training_range(condition: Condition) -> Mapping[str, tuple[float, float]]:
    """The range of every quantity over 4,096 prompts from their own random stream."""
    problem = PROBLEMS[condition.problem]
    prompts = problem.sample(condition, PROMPTS, 1, generator("domain", condition), torch.float64)
    seen = quantities(prompts.x, prompts.y, query=prompts.x.shape[1] > condition.n)
    return {name: (values.min().item(), values.max().item()) for name, values in seen.items()}


def departure(condition: Condition, x: Tensor, y: Tensor) -> str:
    """A sentence if prompts are not like those of a condition; empty if they are."""
    has_query = x.shape[1] > y.shape[1]
    if not (visible(x, y) and len(x)):
        return ""
    if words := not_finite(x=x, y=y):
        return words
    trained = f"trained on {condition.protocol} prompts, "
    trained += f"n = {condition.n}, kappa = {condition.kappa:g}"
    if y.shape[-1] != condition.n:
        differs = f"n = {y.shape[-1]} examples"
        return f"all prompts lie outside this model's training: {differs}, {trained}"
    if condition.problem == "logistic" and not bool((y.abs() == 1).all()):
        return f"prompts lie outside this model's training: y must hold -1 and 1 alone; {trained}"
    found = quantities(x.detach().double(), y.detach().double(), query=has_query)
    seen = training_range(condition)
    outside = {name: _outside(name, values, *seen[name]) for name, values in found.items()}
    anywhere = torch.stack([*outside.values()]).any(0)
    if not bool(anywhere.any()):
        return ""
    worst = max(outside, key=lambda name: int(outside[name].sum()))
    values, (low, high) = found[worst][outside[worst]], seen[worst]
    ends = f"[{values.min().item():.4g}, {values.max().item():.4g}], seen [{low:.4g}, {high:.4g}]"
    return f"{share(anywhere)} lie outside this model's training: {worst} in {ends}; {trained}"


def _outside(name: str, values: Tensor, low: float, high: float) -> Tensor:
    """Which values leave the range seen by more than the margin.

    Small labels and queries are as good as any.
    """
    below = values < low / MARGIN if "A^T A" in name else torch.zeros_like(values, dtype=torch.bool)
    return (values > MARGIN * high) | below


class _Training:
    """Prompts like those of the condition that a model was trained on.

    Raises ValueError if the condition's d is not the format's.
    """

    def __init__(self, card: Card) -> None:
        self.condition = condition = parse_condition(card.origin["run"]["condition"])
        if condition.d != card.format["d"]:
            raise ValueError(f"the condition must have d = {card.format['d']}, found {condition.d}")

    def complaint(self, dtype: torch.dtype, x: Tensor, y: Tensor) -> str:
        """A sentence if some prompt is not like those of training."""
        return departure(self.condition, x, y)


class RegressionDomain(_Training):
    """Prompts with a query, of the condition that a model was trained on.

    ``check`` compares with least squares. The expected error is |y_hat - y_ls|; the residual is
    that over ||a_test|| ||w_ls||. For problems other than linear regression both are nan.
    """

    def check(self, model: Model, x: Tensor, y: Tensor, tolerance: float) -> Check:
        """The answer beside least squares."""
        complaint = self.complaint(model.transformer.dtype, x, y)
        answer, x, y = (tensor.detach().double() for tensor in (model.answer(x, y), x, y))
        examples, query = x[:, :-1], x[:, -1]
        S = gram_matrix(examples)
        w = (torch.linalg.pinv(S, hermitian=True) @ moment(examples, y).unsqueeze(-1)).squeeze(-1)
        error = (answer - (query * w).sum(-1)).abs()
        if self.condition.problem != "linear":
            error = torch.full_like(error, torch.nan)
        residual = error / (query.norm(dim=-1) * w.norm(dim=-1)).clamp_min(1e-300)
        eigenvalues = torch.linalg.eigvalsh(S).clamp_min(0)
        steps = torch.full_like(error, torch.nan)
        return Check(residual, eigenvalues[:, [0, -1]], error, steps, complaint)


class EncoderDomain(_Training):
    """Logistic prompts of the condition that a model was trained on.

    ``check`` is that of ``logistic.checked``.
    """

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self.mu = float(card.origin["run"]["condition"]["mu"])

    def check(self, model: Model, x: Tensor, y: Tensor, tolerance: float) -> Check:
        """What w leaves of the loss."""
        complaint = self.complaint(model.transformer.dtype, x, y)
        w, x, y = (tensor.detach().double() for tensor in (model.answer(x, y), x, y))
        return checked(w, x, y, self.mu, torch.full_like(w[:, 0], torch.nan), complaint)
