"""Answers of algorithms and models to prompts of any problem, and how good they are, as one frame.

The frame is tidy, with one row for each method, step, prompt and quantity:

    method      name of the algorithm or model
    kind        reference, built, learned or theory
    seed        of a training
    step        steps of an algorithm, or layers of a learned model
    layers      what that costs as a transformer
    covariance  of the prompt
    prompt      its number
    quantity    what a problem says of an answer, or the final loss of training
    value       of the quantity
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import inf, nan

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from icnewton.algorithms import ALGORITHMS
from icnewton.constructions import CONSTRUCTIONS, build
from icnewton.models.model import Model
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.prompts import Prompts


@dataclass(frozen=True)
class Answers:
    """Answers ``(batch, ...)`` with the words that identify them in a frame."""

    method: str
    kind: str
    seed: int
    step: int
    layers: float
    values: Tensor
    final_loss: float = nan


def method_of(name: str) -> str:
    """What tables call the models of a run: the family, and after a hyphen the variant, if any.

    name: that of the run.
    """
    return name.split("/")[-1].split("_layers")[0]


def learned(
    model: Model, method: str, seed: int, condition: Condition, prompts: Prompts
) -> Answers:
    """A model's answers, computed in float64 whatever dtype it was trained in.

    If its training diverged, they are infinite, and so is its final loss.
    """
    card, exact = model.card, model.to(torch.float64)
    asked = _widened(prompts.x, int(card.format["d"]))
    size = PROBLEMS[condition.problem].chunk
    values = answers_of(exact, asked, prompts.y, size)
    if values.ndim > 1:
        values = values[:, : prompts.d]
    final_loss = card.origin["final_loss"]
    if card.origin["diverged"]:
        values, final_loss = torch.full_like(values, inf), inf
    return Answers(method, card.kind, seed, card.depth, card.depth, values, final_loss)


def fewer(prompts: Prompts, each: int | None) -> Prompts:
    """The first ``each`` prompts of each covariance; all of them, if it is None."""
    if each is None:
        return prompts
    place = pd.Series(0, index=prompts.covariance.numpy()).groupby(level=0).cumcount()
    chosen = torch.from_numpy((place < each).to_numpy(copy=True))
    return prompts.map(lambda tensor: tensor[chosen])


def answers_of(model: Model, x: Tensor, y: Tensor, size: int) -> Tensor:
    """A model's answers to prompts, ``size`` of them at a time."""
    parts = zip(x.split(size), y.split(size), strict=True)
    return torch.cat([model.answer(*part) for part in parts])


def _widened(x: Tensor, d: int) -> Tensor:
    """Examples of fewer dimensions, padded with zeros for a model of d dimensions."""
    return torch.nn.functional.pad(x, (0, d - x.shape[-1])) if x.shape[-1] < d else x


def references(
    name: str, steps: Sequence[int], condition: Condition, prompts: Prompts
) -> Iterator[Answers]:
    """The answers of an algorithm after each of ``steps``."""
    iterates = ALGORITHMS[name].answers(prompts, condition)
    for step, values in enumerate(islice(iterates, max(steps) + 1)):
        if step in steps:
            yield Answers(name, "reference", 0, step, layers_of(name, step, condition), values)


def layers_of(name: str, step: int, condition: Condition) -> float:
    """Layers for ``step`` steps of an algorithm, with those around the steps; nan if unknown.

    Where a construction executes the algorithm, they are read off a built model.
    """
    if ALGORITHMS[name].construction is None:
        return ALGORITHMS[name].layers * step
    around, each = _layers_as_built(name, condition.d, condition.n)
    return around + each * step


@cache
def _layers_as_built(name: str, d: int, n: int) -> tuple[int, int]:
    """Layers around the steps of an algorithm, and layers of each step."""
    algorithm = ALGORITHMS[name]
    card = build(str(algorithm.construction), d=d, n=n, steps=1, **algorithm.settings).card
    each = card.layers_per_step or 0
    return card.depth - each, each


def built(
    name: str, family: str, models: dict[int, Model], condition: Condition, prompts: Prompts
) -> Iterator[Answers]:
    """The answers of built models by their numbers of steps.

    Where one model gives the answers after every step, ``models`` has it once for each.
    """
    size = PROBLEMS[condition.problem].chunk
    after_each = CONSTRUCTIONS[family].answers
    values: dict[int, Tensor] = {}
    if after_each is None:
        for step, model in models.items():
            values[step] = answers_of(model, prompts.x, prompts.y, size)
    else:
        largest = next(iter(models.values()))
        chunks = zip(prompts.x.split(size), prompts.y.split(size), strict=True)
        parts = [after_each(largest, x, y) for x, y in chunks]
        for step in models:
            values[step] = torch.cat([part[step] for part in parts])
    for step, model in models.items():
        card = model.card
        layers = card.depth if after_each is None else step * (card.layers_per_step or 0)
        yield Answers(f"built_{name}", card.kind, 0, step, layers, values[step])


def frame(answers: Sequence[Answers], condition: Condition, prompts: Prompts) -> pd.DataFrame:
    """The tidy frame of what a problem says of answers; it may have no row."""
    nothing = Answers("", "theory", 0, 0, nan, prompts.target)
    blocks = [_rows(item, condition, prompts) for item in answers]
    return pd.concat(blocks or [_rows(nothing, condition, prompts)[:0]], ignore_index=True)


def _rows(item: Answers, condition: Condition, prompts: Prompts) -> pd.DataFrame:
    problem = PROBLEMS[condition.problem]
    judged = problem.judge(item.values, prompts, condition)
    quantities = {name: values.numpy() for name, values in judged.items()}
    covariance = prompts.covariance.numpy().astype(np.int32)
    if item.kind == "learned":
        for measure in problem.measures.values():
            if measure.is_final_loss:
                quantities[measure.quantity] = np.full(len(covariance), item.final_loss)
    words = {
        "method": item.method,
        "kind": item.kind,
        "seed": np.int32(item.seed),
        "step": np.int32(item.step),
        "layers": np.float64(item.layers),
        "covariance": covariance,
        "prompt": np.arange(len(covariance), dtype=np.int32),
    }
    blocks = [pd.DataFrame(words | {"quantity": q, "value": v}) for q, v in quantities.items()]
    return pd.concat(blocks, ignore_index=True)
