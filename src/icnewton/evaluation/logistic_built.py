"""What built damped-Newton and gradient-descent transformers answer on logistic prompts, step by
step.
"""

from collections.abc import Iterator, Sequence

import torch

from icnewton.constructions.parts.interventions import iterates
from icnewton.evaluation.logistic import Weights, chunks
from icnewton.models.model import Model
from icnewton.problems.logistic import LogisticPrompts


def built_weights(
    model: Model, steps: Sequence[int], prompts: LogisticPrompts
) -> Iterator[Weights]:
    """The answers of a built damped-Newton or gradient-descent transformer after each of ``steps``."""
    card = model.card
    parts = [iterates(model, x, y) for x, y in chunks(prompts)]
    for step, w in enumerate(map(torch.cat, zip(*parts, strict=True))):
        if step in steps:
            yield Weights(
                f"built_{card.family}", card.kind, 0, step, step * (card.layers_per_step or 0), w
            )
