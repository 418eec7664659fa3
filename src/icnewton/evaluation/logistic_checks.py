"""Built damped-Newton transformers against the exact algorithm: the measurements behind T5.1, T5.2,
T5.4 and T1.1.

All on prompts of norm at most 1 (Assumption 3.2), from random streams of their own, in float64.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from icnewton.constructions.damped_newton import build_damped_newton
from icnewton.constructions.parts.interventions import GADGETS, iterates
from icnewton.constructions.parts.precision import inner_steps_for
from icnewton.models.model import Model
from icnewton.problems.linear import generator
from icnewton.problems.logistic import LogisticCondition, LogisticPrompts, sample_logistic
from icnewton.problems.parts import logistic_loss as logistic

KAPPA = 10.0


def prompts(d: int, n: int, mu: float, count: int) -> LogisticPrompts:
    """``count`` prompts of as many covariances."""
    condition = LogisticCondition("bounded", d, n, KAPPA, mu)
    return sample_logistic(condition, count, 1, generator("logistic checks", condition))


def step_errors(w: Sequence[Tensor], problem: LogisticPrompts, mu: float) -> list[Tensor]:
    """``(batch,)`` distance of every iterate but the first from the exact damped-Newton step at the
    one before.
    """
    x, y = problem.x, problem.y
    return [_norm(after - logistic.damped_step(before, x, y, mu)) for before, after in pairwise(w)]


def check_steps(
    d: int, n: int, conditions: Sequence[Mapping[str, Any]], error: Sequence[float], count: int
) -> pd.DataFrame:
    """One row for each mu, error, prompt and step: error of the step, decrement and gap of g,
    distance to the minimiser.

    A condition has a ``mu`` and a number of ``steps``.
    """
    rows = []
    for condition in conditions:
        mu, steps = condition["mu"], condition["steps"]
        problem = prompts(d, n, mu, count)
        rows += [_steps_frame(d, n, mu, tolerance, steps, problem) for tolerance in error]
    return pd.concat(rows, ignore_index=True)


def _steps_frame(
    d: int, n: int, mu: float, error: float, steps: int, problem: LogisticPrompts
) -> pd.DataFrame:
    model = build_damped_newton(d=d, n=n, mu=mu, steps=steps, error=error, looped=True)
    x, y = problem.x, problem.y
    w = iterates(model, x, y)
    errors = [*step_errors(w, problem, mu), torch.full((len(x),), torch.nan, dtype=x.dtype)]
    lowest, shape = (
        logistic.loss(problem.target, x, y, mu),
        _shape(model) | {"d": d, "n": n, "mu": mu, "error": error},
    )
    frames = [
        pd.DataFrame(
            shape
            | {"prompt": range(len(x)), "step": step, "step_error": errors[step]}
            | {"decrement": logistic.newton_step(v, x, y, mu).decrement / (2 * mu**0.5)}
            | {
                "gap": (logistic.loss(v, x, y, mu) - lowest) / (4 * mu),
                "distance": _norm(v - problem.target),
            }
        )
        for step, v in enumerate(w)
    ]
    return pd.concat(frames, ignore_index=True)


def check_widths(
    d: int, n: int, mu: Sequence[float], cells: Sequence[int], steps: int, count: int
) -> pd.DataFrame:
    """One row for each mu, number of cells and prompt: the hidden width, and the largest error of a
    step.
    """
    rows = []
    for value in mu:
        problem = prompts(d, n, value, count)
        for number in cells:
            model = _by_hand(d, n, value, number, steps)
            worst = torch.stack(
                step_errors(iterates(model, problem.x, problem.y), problem, value)
            ).amax(0)
            row = _shape(model) | {"d": d, "n": n, "mu": value, "cells": number}
            rows.append(pd.DataFrame(row | {"prompt": range(count), "step_error": worst}))
    return pd.concat(rows, ignore_index=True)


def error_budget(
    d: int, n: int, mu: Sequence[float], cells: int, steps: int, count: int
) -> pd.DataFrame:
    """One row for each mu, prompt and variant: distance to the minimiser and largest step error, by
    which gadget is exact.

    ``variant`` is ``all`` (no gadget exact), ``without`` (this one exact) or ``only`` (every other
    one exact).
    """
    frames = []
    for value in mu:
        problem, model = prompts(d, n, value, count), _by_hand(d, n, value, cells, steps)
        for variant, gadget, exact in _variants():
            w = iterates(model, problem.x, problem.y, exact)
            measured = {
                "distance": _norm(w[-1] - problem.target),
                "step_error": torch.stack(step_errors(w, problem, value)).amax(0),
            }
            row = {
                "mu": value,
                "cells": cells,
                "variant": variant,
                "gadget": gadget,
                "prompt": range(count),
            }
            frames.append(pd.DataFrame(row | measured))
    return pd.concat(frames, ignore_index=True)


def _variants() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    yield "all", "none", ()
    for gadget in GADGETS:
        yield "without", gadget, (gadget,)
        yield "only", gadget, tuple(other for other in GADGETS if other != gadget)


def _by_hand(d: int, n: int, mu: float, cells: int, steps: int) -> Model:
    """A looped model with gadgets of ``cells`` cells and as many inner steps as an error of 1e-6
    asks for.
    """
    inner = inner_steps_for(mu, 1e-6)
    return build_damped_newton(
        d=d, n=n, mu=mu, steps=steps, knots=cells, inner_steps=inner, looped=True
    )


def _shape(model: Model) -> dict[str, Any]:
    card = model.card
    names = ("layers_per_step", "heads", "width", "hidden_width")
    bound = card.origin["step_error_bound"]
    own = {
        "inner_steps": card.origin["inner_steps"],
        "step_error_bound": math.inf if bound is None else bound,
    }
    return {name: card[name] for name in names} | own


def _norm(v: Tensor) -> Tensor:
    return torch.linalg.vector_norm(v, dim=-1)
