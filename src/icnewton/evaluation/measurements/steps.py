"""Steps of built damped-Newton transformers: what T5.1, T5.2, T5.4 and T1.1 rest on."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pandas as pd
import torch

from icnewton.constructions.damped_newton import build_damped_newton
from icnewton.constructions.parts.interventions import iterates
from icnewton.constructions.parts.precision import unfit_error
from icnewton.evaluation.measurements import Measurement
from icnewton.evaluation.measurements.parts.damped_newton import (
    PROTOCOLS,
    Count,
    Mu,
    Size,
    StepError,
    Steps,
    norm,
    prompts_of,
    shape_of,
    step_errors,
)
from icnewton.problems.logistic import LogisticPrompts
from icnewton.problems.parts.logistic_loss import loss, newton_step


@dataclass(frozen=True)
class StepsAt:
    """A regularisation and a number of steps."""

    mu: Mu
    steps: Steps


def check_steps(
    conditions: tuple[StepsAt, ...],
    error: tuple[StepError, ...],
    prompts: Count,
    d: Size = 5,
    n: Size = 26,
) -> pd.DataFrame:
    """One row for each mu, error, prompt and step.

    It has the error of the step, decrement and gap of g, and the distance to the minimiser.
    """
    rows = []
    for condition in conditions:
        mu, steps = condition.mu, condition.steps
        problem = prompts_of(d, n, mu, prompts)
        rows += [_steps_frame(d, n, mu, tolerance, steps, problem) for tolerance in error]
    return pd.concat(rows, ignore_index=True)


def _steps_frame(
    d: int, n: int, mu: float, error: float, steps: int, problem: LogisticPrompts
) -> pd.DataFrame:
    model = build_damped_newton(d=d, n=n, mu=mu, steps=steps, error=error, looped=True)
    x, y = problem.x, problem.y
    w = iterates(model, x, y)
    errors = [*step_errors(w, problem, mu), torch.full((len(x),), torch.nan, dtype=x.dtype)]
    lowest = loss(problem.target, x, y, mu)
    shape = shape_of(model) | {"d": d, "n": n, "mu": mu, "error": error}
    frames = []
    for step, v in enumerate(w):
        row = shape | {"prompt": range(len(x)), "step": step, "step_error": errors[step]}
        row["decrement"] = newton_step(v, x, y, mu).decrement / (2 * mu**0.5)
        row["gap"] = (loss(v, x, y, mu) - lowest) / (4 * mu)
        row["distance"] = norm(v - problem.target)
        frames.append(pd.DataFrame(row))
    return pd.concat(frames, ignore_index=True)


def refused(
    conditions: tuple[StepsAt, ...], error: tuple[StepError, ...], **others: int
) -> Iterator[str]:
    """Errors that cannot be had at one of the regularisations."""
    for condition, asked in product(conditions, error):
        yield from unfit_error(condition.mu, asked)


ENTRIES = {"steps": Measurement(check_steps, PROTOCOLS, refused=refused)}
