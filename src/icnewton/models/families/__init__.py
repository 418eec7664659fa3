"""Families of learned models: which transformer they are, and what it answers.

An entry is a ``Family``. A card names the family, and its model is loaded by that name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch

from icnewton.models.config import TransformerConfig
from icnewton.models.transformer import Transformer
from icnewton.registry import Registry


class Sizes(Protocol):
    """What an architecture reads of a recipe, which documents it."""

    @property
    def width(self) -> int: ...  # noqa: D102
    @property
    def heads(self) -> int: ...  # noqa: D102
    @property
    def head_dim(self) -> int: ...  # noqa: D102
    @property
    def hidden_width(self) -> int: ...  # noqa: D102
    @property
    def mean_attention(self) -> bool: ...  # noqa: D102
    @property
    def query_as_key(self) -> bool: ...  # noqa: D102
    @property
    def activation_clip(self) -> float | None: ...  # noqa: D102
    @property
    def head_scale(self) -> bool: ...  # noqa: D102
    @property
    def attention_bias(self) -> bool: ...  # noqa: D102
    @property
    def end_bias(self) -> bool: ...  # noqa: D102
    @property
    def last_norm(self) -> bool: ...  # noqa: D102
    @property
    def position_embeddings(self) -> bool: ...  # noqa: D102
    @property
    def activation(self) -> Literal["gelu", "relu"]: ...  # noqa: D102


Architecture = Callable[[Sizes, int, int, int], TransformerConfig]
Make = Callable[[TransformerConfig, torch.dtype], Transformer]


@dataclass(frozen=True)
class Family:
    """Learned models of one architecture.

    title: for figures.
    problem: what its models are trained on by default.
    format: how prompts become tokens; the model answers problems of this format.
    architecture: from a recipe, d, n and the number of layers to the shape of the transformer.
    transformer: the class. Training takes short cuts if it is ``Transformer`` itself.
    target: which field of the prompts the model is to answer.
    recipes: the family whose recipes it takes, if not its own.
    """

    title: str
    problem: str
    format: str
    architecture: Architecture
    transformer: Make = Transformer
    target: str = "target"
    recipes: str | None = None


FAMILIES: Registry[Family] = Registry("family", __name__)
