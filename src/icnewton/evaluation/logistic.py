"""Any model or algorithm on logistic prompts, as a tidy frame: one row for each method, step and
prompt.

Columns: ``method``, ``kind`` (reference, built, learned), ``seed``, ``step``, ``layers`` (what the
step costs as a transformer), ``covariance``, ``prompt``; ``loss`` f(w), ``excess`` f(w) - f(w*),
``distance`` ||w - w*|| / ||w*||, where w* minimises f; ``training_error``, the final training loss
of a learned model.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from icnewton.models.model import Model
from icnewton.problems.logistic import LogisticPrompts
from icnewton.problems.parts.logistic_loss import (
    damped_newton,
    gradient_descent,
    loss,
    steepest_descent,
)
from icnewton.theory import bounds

CHUNK = 32  # prompts at once: their activations, as wide as a gadget, fit the cache
ALGORITHMS: dict[str, Callable[[Tensor, Tensor, float], Iterator[Tensor]]] = {
    "damped_newton": damped_newton,
    "logistic_gradient_descent": gradient_descent,
    "logistic_steepest_descent": steepest_descent,
}
# What a step costs as a transformer: the paper counts 13 layers for Newton; gradient descent is
# built here with one; a line search has no construction.
LAYERS = {
    "damped_newton": float(bounds.LAYERS),
    "logistic_gradient_descent": 1.0,
    "logistic_steepest_descent": np.nan,
}


@dataclass(frozen=True)
class Weights:
    """Answers w ``(batch, d)`` with the words that identify them in a frame."""

    method: str
    kind: str
    seed: int
    step: int
    layers: float
    w: Tensor
    training_error: float = np.nan


def chunks(prompts: LogisticPrompts) -> Iterator[tuple[Tensor, Tensor]]:
    """x and y of ``CHUNK`` prompts at a time."""
    return zip(prompts.x.split(CHUNK), prompts.y.split(CHUNK), strict=True)


def learned_weights(model: Model, seed: int, prompts: LogisticPrompts) -> Weights:
    """A learned model's answers, computed in float64; infinite, as is its training error, if its
    training diverged.
    """
    card, exact = model.card, model.to(torch.float64)
    w, training_error = (
        torch.cat([exact.answer(x, y) for x, y in chunks(prompts)]),
        card.origin["final_loss"],
    )
    if card.origin.get("diverged"):
        w, training_error = torch.full_like(w, torch.inf), np.inf
    return Weights(card.family, card.kind, seed, card.depth, card.depth, w, training_error)


def reference_weights(
    method: str, steps: Sequence[int], mu: float, prompts: LogisticPrompts
) -> Iterator[Weights]:
    """A reference algorithm's iterates after each of ``steps``."""
    for step, w in enumerate(islice(ALGORITHMS[method](prompts.x, prompts.y, mu), max(steps) + 1)):
        if step in steps:
            yield Weights(method, "reference", 0, step, LAYERS[method] * step, w)


def logistic_frame(answers: Sequence[Weights], mu: float, prompts: LogisticPrompts) -> pd.DataFrame:
    """The tidy frame; an excess below zero is rounding and counts as zero."""
    lowest = loss(prompts.target, prompts.x, prompts.y, mu)
    norm = torch.linalg.vector_norm(prompts.target, dim=-1)
    frames = []
    for item in answers:
        value = loss(item.w, prompts.x, prompts.y, mu).nan_to_num(nan=torch.inf)
        measured = {
            "loss": value.numpy(),
            "excess": (value - lowest).clamp_min(0).numpy(),
            "distance": (torch.linalg.vector_norm(item.w - prompts.target, dim=-1) / norm).numpy(),
        }
        words = {
            "method": item.method,
            "kind": item.kind,
            "seed": np.int32(item.seed),
            "step": np.int32(item.step),
        }
        where = {
            "covariance": prompts.covariance.numpy().astype(np.int32),
            "prompt": np.arange(len(norm), dtype=np.int32),
        }
        row = (
            words
            | {"layers": float(item.layers)}
            | where
            | measured
            | {"training_error": float(item.training_error)}
        )
        frames.append(pd.DataFrame(row))
    return pd.concat(frames, ignore_index=True)
