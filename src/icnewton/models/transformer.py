"""The one transformer of this package; built and learned weights are states of the same module.

One layer is linear (or softmax) self-attention followed by an optional position-wise feed-forward
network, each with a residual connection (Sec. 3.1 of arXiv 2403.03183):

    Attn(H) = H + scale * sum_h  O_h V_h H (K_h H)^T (Q_h H)
    f(H)    = Attn(H) + W_2 act(W_1 Attn(H) + b_1) + b_2

The paper writes tokens as columns of H; here they are the rows of a ``(batch, tokens, width)``
tensor. A prompt is a set of examples and a query, which is last. So there is no positional
encoding, and no mask unless ``query_as_key`` is off.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Limits far above any real model, so that a typo or a hostile file cannot exhaust the machine.
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

    hidden_width: that of every layer, or one for each; 0 is no feed-forward network.
    scale: factor on linear attention as a whole (1 in the paper, 1 / (n * head_dim) in the
        normalised recipe), and on the logits of softmax attention.
    clip: bound on every entry of the residual stream after each layer, in training and evaluation.
    query_as_key: if off, the last token attends but is not attended to. Linear attention is then
        exactly linear in the query.
    inputs, outputs: widths of a learned embedding and read-out; None means that tokens already
        have the width of the residual stream.
    loops: how often the stack of layers is applied.
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
        """Whether every layer is linear attention alone.

        The output then sees only the prompt's Gram matrix.
        """
        has_more = self.layer_norm or any(self.hidden_widths) or self.clip
        return self.attention == "linear" and not has_more


def _zero_linear(inputs: int, outputs: int, bias: bool, dtype: torch.dtype) -> nn.Linear:
    """A linear map of zeros.

    No random number is drawn: weights come from a construction or an explicit generator.
    """
    layer = nn.utils.skip_init(
        nn.Linear, inputs, outputs, bias=bias, dtype=dtype, device=torch.get_default_device()
    )
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Attention(nn.Module):
    """Multi-head self-attention without mask.

    Head h owns rows ``h*head_dim : (h+1)*head_dim`` of Q, K and V.
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
        """What ``(batch, queries, width)`` receive from ``(batch, tokens, width)``.

        The residual is not in it.
        """
        context = tokens if self.config.query_as_key else tokens[..., :-1, :]
        q = self._heads(self.query(queries))  # (batch, heads, queries, head_dim)
        k, v = self._heads(self.key(context)), self._heads(self.value(context))
        if self.config.attention == "softmax":
            # prompts are short, so this is faster than a fused kernel
            mixed = torch.softmax((q * self.config.scale) @ k.mT, -1) @ v
        else:
            # keys meet values first, so the cost is linear in the number of tokens
            mixed = q @ ((k.mT @ v) * self.config.scale)
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
    """Attention, then the optional feed-forward network, with LayerNorm, if any, before each."""

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
        """The next residual stream, ``(batch, tokens, width)``.

        With ``query_only`` it is that of the last token, ``(batch, 1, width)``.
        """
        kept = slice(-1, None) if query_only else slice(None)
        normed = self.norms[0](tokens) if self.norms else tokens
        received = self.attention(normed, normed[..., kept, :])
        return self.after_attention(tokens[..., kept, :] + received)

    def after_attention(self, stream: Tensor) -> Tensor:
        """The rest of the layer, position by position.

        It is the feed-forward network and the clip, where there are any.
        """
        if self.feed_forward is not None:
            stream = stream + self.feed_forward(self.norms[1](stream) if self.norms else stream)
        return stream if self.clip is None else stream.clamp(-self.clip, self.clip)


class Transformer(nn.Module):
    """A stack of layers on ``(batch, tokens, inputs or width)``.

    Fresh weights are zero, which is the identity map. dtype: that of the weights, float64 for
    built models and float32 for learned ones.
    """

    def __init__(self, config: TransformerConfig, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.config = config
        self._dtype = dtype
        self.embedding: nn.Module = nn.Identity()
        if config.inputs:
            self.embedding = _zero_linear(config.inputs, config.width, False, dtype)
        self.layers = nn.ModuleList(Layer(config, hidden, dtype) for hidden in config.hidden_widths)
        self.readout: nn.Module = nn.Identity()
        if config.outputs:
            self.readout = _zero_linear(config.width, config.outputs, False, dtype)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights.

        A transformer of no layers may have none; then it is the one that it was made with.
        """
        return next((parameter.dtype for parameter in self.parameters()), self._dtype)

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU, if there are none."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @property
    def applied(self) -> list[Layer]:
        """The layers in the order in which they are applied, ``loops`` times the stack."""
        return cast(list[Layer], [*self.layers]) * self.config.loops

    def streams(self, tokens: Tensor) -> Iterator[Tensor]:
        """The residual streams ``(batch, tokens, width)``: embedded, then after each layer."""
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
        """The read-out of the last token, ``(batch, 1, outputs or width)``.

        The last layer computes no other token.
        """
        stream = self.embedding(tokens)
        layers = self.applied
        for index, layer in enumerate(layers, start=1):
            stream = layer(stream, query_only=index == len(layers))
        return self.readout(stream[..., -1:, :])

    def trace(self, tokens: Tensor) -> list[Tensor]:
        """All ``loops * depth + 1`` residual streams, to look inside."""
        return list(self.streams(tokens))
