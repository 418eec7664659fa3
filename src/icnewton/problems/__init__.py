"""Problems: what a prompt asks, how prompts are drawn, and how answers are judged.

An entry is a ``Problem``. The workflow and the training treat all problems alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.prompts import Prompts
from icnewton.registry import Registry


@dataclass(frozen=True)
class Measure:
    """What a table says of a method: a quantity of the frame, perhaps transformed.

    label: of an axis.
    is_final_loss: the quantity is not measured on prompts; it is the final loss of training.
    """

    quantity: str
    label: str
    transform: Callable[[Any], Any] = lambda values: values
    is_final_loss: bool = False


@dataclass(frozen=True)
class Problem:
    """A task that prompts pose.

    title: for people.
    condition, prompts: the classes of its conditions and of its prompts.
    sizes: default d and n.
    sample: from a condition, the number of covariances, the prompts of each, a generator and a
        dtype to prompts.
    judge: from answers, their prompts and the condition to quantities ``(batch,)`` by name.
    measures: what tables show; the problem is judged by the first.
    formats: of the learned models that answer it.
    chunk: prompts that are answered at once, so that their activations fit the cache.
    """

    title: str
    condition: type[Condition]
    sizes: tuple[int, int]
    prompts: type[Prompts]
    sample: Callable[[Any, int, int, torch.Generator, torch.dtype], Prompts]
    judge: Callable[[Tensor, Any, Any], Mapping[str, Tensor]]
    measures: Mapping[str, Measure]
    formats: tuple[str, ...]
    chunk: int = 64


PROBLEMS: Registry[Problem] = Registry("problem", __name__)
