"""The shape of a transformer, and every choice that changes its function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

# Limits far above any real model, so that a typo or a hostile file cannot exhaust the machine.
MOST = {
    "width": 2**20,
    "heads": 2**12,
    "head_dim": 2**20,
    "inputs": 2**20,
    "outputs": 2**20,
    "positions": 2**20,
    "depth": 2**12,
    "loops": 10**5,
}
MOST_HIDDEN, MOST_APPLIED = 2**24, 10**5
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a transformer and every choice that changes its function.

    hidden_width: that of every layer, or one for each; 0 is no feed-forward network.
    scale: factor on linear attention as a whole (1 in the paper's text, head_dim^-1/2 in its public
        code, 1 / (n * head_dim) in the recipe fast), and on the logits of softmax attention.
    clip: bound on every entry of the residual stream after each layer, in training and evaluation.
    query_as_key: if off, the last token attends but is not attended to. Linear attention is then
        exactly linear in the query.
    inputs, outputs: widths of a learned embedding and read-out; None means that tokens already
        have the width of the residual stream.
    loops: how often the stack of layers is applied.
    attention_bias: biases on queries, keys, values and outputs of attention.
    end_bias: biases on the embedding and on the read-out.
    last_norm: LayerNorm before the read-out.
    positions: the most tokens that a prompt may have, where each position has a learned embedding;
        0 for none.
    """

    width: int
    depth: int
    heads: int
    head_dim: int
    hidden_width: int | tuple[int, ...] = 0
    attention: Literal["linear", "softmax"] = "linear"
    scale: float = 1.0
    activation: Literal["relu", "gelu"] = "relu"
    layer_norm: bool = False
    clip: float | None = None
    query_as_key: bool = True
    inputs: int | None = None
    outputs: int | None = None
    loops: int = 1
    attention_bias: bool = False
    end_bias: bool = False
    last_norm: bool = False
    positions: int = 0

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value, least = getattr(self, name), int(name not in ("depth", "positions"))
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, found {value}")
            if value is not None and value > most:
                raise ValueError(f"{name} must be at most {most}, found {value}")
        if self.depth * self.loops > MOST_APPLIED:
            raise ValueError(
                f"depth * loops must be at most {MOST_APPLIED}, found {self.depth} * {self.loops}"
            )
        if len(self.hidden_widths) != self.depth or min(self.hidden_widths, default=0) < 0:
            expected = f"one width, or one for each of {self.depth} layers"
            raise ValueError(f"hidden_width must be {expected}, found {self.hidden_width}")
        if (widest := max(self.hidden_widths, default=0)) > MOST_HIDDEN:
            raise ValueError(f"hidden_width must be at most {MOST_HIDDEN}, found {widest}")
        if self.attention not in ("linear", "softmax"):
            raise ValueError(f"attention must be 'linear' or 'softmax', found {self.attention!r}")
        if self.activation not in ACTIVATIONS:
            known = sorted(ACTIVATIONS)
            raise ValueError(f"activation must be one of {known}, found {self.activation!r}")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip must be positive or null, found {self.clip}")

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """The hidden width of each layer."""
        if isinstance(self.hidden_width, int):
            return (self.hidden_width,) * self.depth
        return self.hidden_width

    @property
    def is_trilinear(self) -> bool:
        """Whether every layer is linear attention alone, and nothing else adds to the stream.

        The output then sees only the prompt's Gram matrix.
        """
        is_affine = self.attention_bias or self.end_bias or self.positions
        has_more = self.layer_norm or self.last_norm or any(self.hidden_widths) or self.clip
        return self.attention == "linear" and not (is_affine or has_more)
