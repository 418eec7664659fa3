"""Reference algorithms, which models are measured by.

An entry is an ``Algorithm``. The name of its module is the entry's without the order: ``newton3``
lives in ``newton.py``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any

from icnewton.registry import Registry

if TYPE_CHECKING:  # so that what only draws need not import torch
    from torch import Tensor


@dataclass(frozen=True)
class Algorithm:
    """An iteration whose answers are compared with those of models.

    title: for figures.
    problem: whose prompts it answers.
    answers: from prompts and their condition to the answers after 0, 1, ... steps, without end.
    steps: those that are evaluated by default.
    layers: what a step costs as a transformer.
    construction: a built transformer that executes it, whose layers count instead.
    settings: those of the construction, without the sizes.
    """

    title: str
    problem: str
    answers: "Callable[[Any, Any], Iterator[Tensor]]"
    steps: tuple[int, ...]
    layers: float = nan
    construction: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


ALGORITHMS: Registry[Algorithm] = Registry(
    "algorithm", __name__, module=lambda name: name.rstrip("0123456789")
)
