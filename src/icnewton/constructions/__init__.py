"""Transformers whose weights are written down, not learned: ``build(family, **settings)``.

An entry is a ``Construction``; its proof stands beside its weights.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from icnewton.models.model import Model
from icnewton.registry import Registry
from icnewton.typed import settings_of


@dataclass(frozen=True)
class Construction:
    """A way to build a model that executes an algorithm.

    build: from keywords to a model.
    problem: whose prompts its models answer, if they answer those of a problem.
    suited: from a condition and settings to settings whose constants suit all its prompts.
    answers: from a model of the most steps, x and y to its answers after 0, 1, ... steps.
        None where each number of steps has a model of its own.
    refused: from a condition and settings to what is wrong with them, in words, before building.
    """

    build: Callable[..., Model]
    problem: str | None = None
    suited: Callable[[Any, Mapping[str, Any]], Mapping[str, Any]] | None = None
    answers: Callable[[Model, Tensor, Tensor], Sequence[Tensor]] | None = None
    refused: Callable[[Any, Mapping[str, Any]], Iterable[str]] = lambda condition, settings: ()


CONSTRUCTIONS: Registry[Construction] = Registry("family", __name__)


def build(family: str, **settings: Any) -> Model:
    """A built model in float64.

    Families are the modules of this package; their settings are the keywords of ``build_...``.
    Numbers may be numpy's, or tensors of no dimension. Raises ValueError for an unknown family or
    for settings outside a theorem's reach, and TypeError for settings that a family does not have
    or that are missing.
    """
    builder = CONSTRUCTIONS[family].build
    return builder(**settings_of(builder, settings))
