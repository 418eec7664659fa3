"""The one transformer of this package: built weights and learned weights are both states of this
module.

One layer is linear (or softmax) self-attention followed by an optional position-wise feed-forward
network, each with a residual connection (Sec. 3.1 of arXiv 2403.03183):

    Attn(H) = H + scale * sum_h  O_h V_h H (K_h H)^T (Q_h H)
    f(H)    = Attn(H) + W_2 act(W_1 Attn(H) + b_1) + b_2

The paper writes tokens as columns of H; here they are the rows of a ``(batch, tokens, width)``
tensor. There is no positional encoding, and no mask unless ``query_as_key`` is off: a prompt is a
set of examples and a query, the last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Beyond every model that is meant, and small enough that no slip of the pen and no hostile file
# makes work without end.
MOST = {
    "width": 2**20,
    "heads": 2**12,
    "head_dim": 2**20,
    "inputs": 2**20,
    "outputs": 2**20,
    "depth": 2**12,
    "loops": 10**5,
}
MOST_HIDDEN, MOST_APPLIED = 2**24, 10**5
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a transformer and every choice that changes its function.

    ``scale`` multiplies linear attention as a whole (1 in the paper; 1 / (n * head_dim) in the
    normalised recipe) and multiplies the logits of softmax attention. ``inputs`` and ``outputs``
    are the widths of a learned embedding and read-out; ``None`` means that tokens already have the
    width of the residual stream. ``clip`` bounds every entry of the residual stream after each
    layer, in training and at evaluation alike. With ``query_as_key`` off the last token attends but
    is not attended to; linear attention is then exactly linear in the query. ``hidden_width`` is
    that of every layer, or one for each (0: no feed-forward network). ``loops`` applies the stack
    of layers that often.
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

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value, least = getattr(self, name), int(name != "depth")
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, found {value}")
            if value is not None and value > most:
                raise ValueError(f"{name} must be at most {most}, found {value}")
        if self.depth * self.loops > MOST_APPLIED:
            raise ValueError(
                f"depth * loops must be at most {MOST_APPLIED}, found {self.depth} * {self.loops}"
            )
        if len(self.hidden_widths) != self.depth or min(self.hidden_widths, default=0) < 0:
            raise ValueError(
                f"hidden_width must be one width, or one for each of {self.depth} layers, found {self.hidden_width}"
            )
        if max(self.hidden_widths, default=0) > MOST_HIDDEN:
            raise ValueError(
                f"hidden_width must be at most {MOST_HIDDEN}, found {max(self.hidden_widths)}"
            )
        if self.attention not in ("linear", "softmax"):
            raise ValueError(f"attention must be 'linear' or 'softmax', found {self.attention!r}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(ACTIVATIONS)}, found {self.activation!r}"
            )
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip must be positive or null, found {self.clip}")

    @property
    def hidden_widths(self) -> tuple[int, ...]:
        """The hidden width of each layer."""
        return (
            (self.hidden_width,) * self.depth
            if isinstance(self.hidden_width, int)
            else self.hidden_width
        )

    @property
    def is_trilinear(self) -> bool:
        """Whether every layer is linear attention alone, so that the output sees only the prompt's
        Gram matrix.
        """
        return self.attention == "linear" and not (
            self.layer_norm or any(self.hidden_widths) or self.clip
        )


def _zero_linear(inputs: int, outputs: int, bias: bool, dtype: torch.dtype) -> nn.Linear:
    """A linear map of zeros; no random number is drawn, so weights come from a construction or an
    explicit generator.
    """
    layer = nn.utils.skip_init(
        nn.Linear, inputs, outputs, bias=bias, dtype=dtype, device=torch.get_default_device()
    )
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Attention(nn.Module):
    """Multi-head self-attention without mask; head h owns rows ``h*head_dim : (h+1)*head_dim`` of
    Q, K and V.
    """

    def __init__(self, config: TransformerConfig, dtype: torch.dtype) -> None:
        super().__init__()
        self.config = config
        inner = config.heads * config.head_dim
        self.query = _zero_linear(config.width, inner, False, dtype)
        self.key = _zero_linear(config.width, inner, False, dtype)
        self.value = _zero_linear(config.width, inner, False, dtype)
        self.output = _zero_linear(inner, config.width, False, dtype)

    def _heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.config.heads, self.config.head_dim)).transpose(-3, -2)

    def forward(self, tokens: Tensor, queries: Tensor) -> Tensor:
        """What ``(batch, queries, width)`` receive from ``(batch, tokens, width)``, without the
        residual.
        """
        context = tokens if self.config.query_as_key else tokens[..., :-1, :]
        q = self._heads(self.query(queries))  # (batch, heads, queries, head_dim)
        k, v = self._heads(self.key(context)), self._heads(self.value(context))
        if self.config.attention == "softmax":
            mixed = (
                torch.softmax((q * self.config.scale) @ k.mT, -1) @ v
            )  # prompts are short: faster than a fused kernel
        else:
            mixed = q @ (
                (k.mT @ v) * self.config.scale
            )  # keys meet values first: linear in the number of tokens
        return self.output(mixed.transpose(-3, -2).flatten(-2))


class FeedForward(nn.Module):
    """The position-wise network ``W_2 act(W_1 h + b_1) + b_2``."""

    def __init__(self, config: TransformerConfig, hidden_width: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.first = _zero_linear(config.width, hidden_width, True, dtype)
        self.second = _zero_linear(hidden_width, config.width, True, dtype)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, tokens: Tensor) -> Tensor:
        """The network's update of ``(batch, tokens, width)``, without the residual."""
        return self.second(self.activation(self.first(tokens)))


class Layer(nn.Module):
    """Attention, then the optional feed-forward network; LayerNorm, if any, stands before each of
    them.
    """

    attention: Attention
    feed_forward: FeedForward | None

    def __init__(self, config: TransformerConfig, hidden_width: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.clip = config.clip
        self.attention = Attention(config, dtype)
        self.feed_forward = FeedForward(config, hidden_width, dtype) if hidden_width else None
        norms = (1 + bool(hidden_width)) if config.layer_norm else 0
        self.norms = nn.ModuleList(nn.LayerNorm(config.width, dtype=dtype) for _ in range(norms))

    def forward(self, tokens: Tensor, query_only: bool = False) -> Tensor:
        """The next residual stream ``(batch, tokens, width)``, or of the last token alone ``(batch,
        1, width)``.
        """
        kept = slice(-1, None) if query_only else slice(None)
        normed = self.norms[0](tokens) if self.norms else tokens
        return self.after_attention(
            tokens[..., kept, :] + self.attention(normed, normed[..., kept, :])
        )

    def after_attention(self, stream: Tensor) -> Tensor:
        """The rest of the layer, position by position: the feed-forward network and the clip, where
        there are any.
        """
        if self.feed_forward is not None:
            stream = stream + self.feed_forward(self.norms[1](stream) if self.norms else stream)
        return stream if self.clip is None else stream.clamp(-self.clip, self.clip)


class Transformer(nn.Module):
    """A stack of layers on ``(batch, tokens, inputs or width)``; fresh weights are zero, which is
    the identity map.

    Arguments: the config, and the dtype of the weights (float64 for built models, float32 for
    learned ones).
    """

    def __init__(self, config: TransformerConfig, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.config = config
        self._dtype = dtype
        self.embedding = (
            _zero_linear(config.inputs, config.width, False, dtype)
            if config.inputs
            else nn.Identity()
        )
        self.layers = nn.ModuleList(Layer(config, hidden, dtype) for hidden in config.hidden_widths)
        self.readout = (
            _zero_linear(config.width, config.outputs, False, dtype)
            if config.outputs
            else nn.Identity()
        )

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights, or, where a transformer of no layers has none, the one it was
        made with.
        """
        return next((parameter.dtype for parameter in self.parameters()), self._dtype)

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU, where there are none."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def applied(self) -> list[Layer]:
        """The layers in the order in which they are applied, ``loops`` times the stack."""
        return cast(list[Layer], [*self.layers]) * self.config.loops

    def streams(self, tokens: Tensor) -> Iterator[Tensor]:
        """The residual stream after the embedding and after each layer, each ``(batch, tokens,
        width)``.
        """
        stream = self.embedding(tokens)
        yield stream
        for layer in self.applied:
            stream = layer(stream)
            yield stream

    def forward(self, tokens: Tensor) -> Tensor:
        """The read-out of the last residual stream: ``(batch, tokens, outputs or width)``."""
        *_, last = self.streams(tokens)
        return self.readout(last)

    def answer(self, tokens: Tensor) -> Tensor:
        """The read-out of the last token, ``(batch, 1, outputs or width)``; the last layer computes
        no other token.
        """
        stream = self.embedding(tokens)
        layers = self.applied
        for index, layer in enumerate(layers, start=1):
            stream = layer(stream, query_only=index == len(layers))
        return self.readout(stream[..., -1:, :])

    def trace(self, tokens: Tensor) -> list[Tensor]:
        """All ``loops * depth + 1`` residual streams, to look inside."""
        return list(self.streams(tokens))
