"""Weights that a training may start from in place of random ones.

An entry is a ``Start``. The name of its module is the first word of the entry's: ``gdpp_fitted``
lives in ``gdpp.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icnewton.problems.parts.condition import Condition
from icnewton.registry import Registry

if TYPE_CHECKING:  # so that what only names a start need not import torch
    from icnewton.models.config import TransformerConfig
    from icnewton.models.transformer import Transformer


@dataclass(frozen=True)
class Start:
    """Weights that compute something known.

    put: into a transformer whose weights are drawn, for a condition that is not refused. What the
    known function does not need keeps its random weights, as far as they change no answer.
    refused: what is wrong with an architecture for a condition, in words; None for nothing.
    """

    put: "Callable[[Transformer, Any], None]"
    refused: "Callable[[TransformerConfig, Condition], str | None]"


STARTS: Registry[Start] = Registry("start", __name__, module=lambda name: name.split("_")[0])
