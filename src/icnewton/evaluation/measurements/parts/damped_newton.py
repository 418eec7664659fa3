"""Built damped-Newton transformers beside the exact algorithm.

All prompts have norm at most 1 (Assumption 3.2), come from their own random streams, and are
float64.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import torch
from torch import Tensor

from icnewton.algorithms.damped_newton import damped_step
from icnewton.constructions.damped_newton import build_damped_newton
from icnewton.constructions.parts.precision import inner_steps_for
from icnewton.models.model import Model
from icnewton.problems.logistic import LogisticCondition, LogisticPrompts, sample_logistic
from icnewton.randomness import generator
from icnewton.typed import Within

KAPPA, PROTOCOLS = 10.0, ("bounded",)
Size = Annotated[int, Within(1, 1000)]
Mu = Annotated[float, Within(1e-9, 1e6), "Regularisation of the logistic loss."]
StepError = Annotated[float, Within(1e-9, 1, open_above=True), "Error allowed to a built step."]
Steps = Annotated[int, Within(1, 2000), "Damped-Newton steps."]
Cells = Annotated[int, Within(2, 1_000_000), "Cells of the gadgets."]
Count = Annotated[int, Within(2, 1_000_000), "Prompts of each regularisation."]


def prompts_of(d: int, n: int, mu: float, count: int) -> LogisticPrompts:
    """``count`` prompts of as many covariances."""
    condition = LogisticCondition(PROTOCOLS[0], d, n, KAPPA, mu)
    return sample_logistic(condition, count, 1, generator("logistic checks", condition))


def step_errors(w: Sequence[Tensor], problem: LogisticPrompts, mu: float) -> list[Tensor]:
    """Distances ``(batch,)`` of every iterate but the first from the exact damped-Newton step.

    The exact step is taken at the iterate before.
    """
    x, y = problem.x, problem.y
    return [norm(after - damped_step(before, x, y, mu)) for before, after in pairwise(w)]


def by_hand(d: int, n: int, mu: float, cells: int, steps: int) -> Model:
    """A looped model with gadgets of ``cells`` cells.

    It has as many inner steps as an error of 1e-6 asks for.
    """
    inner = inner_steps_for(mu, 1e-6)
    return build_damped_newton(
        d=d, n=n, mu=mu, steps=steps, knots=cells, inner_steps=inner, looped=True
    )


def shape_of(model: Model) -> dict[str, Any]:
    """Layers of a step, heads, width, and the bound on the error of a step."""
    card = model.card
    names = ("layers_per_step", "heads", "width", "hidden_width")
    bound = card.origin["step_error_bound"]
    own = {
        "inner_steps": card.origin["inner_steps"],
        "step_error_bound": math.inf if bound is None else bound,
    }
    return {name: card[name] for name in names} | own


def norm(v: Tensor) -> Tensor:
    """Euclidean norms ``(batch,)``."""
    return torch.linalg.vector_norm(v, dim=-1)
