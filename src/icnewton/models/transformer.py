"""The one transformer of this package; built and learned weights are states of the same module.

One layer is linear (or softmax) self-attention followed by an optional position-wise feed-forward
network, each with a residual connection (Sec. 3.1 of arXiv 2403.03183):

    Attn(H) = H + scale * sum_h  O_h V_h H (K_h H)^T (Q_h H)
    f(H)    = Attn(H) + W_2 act(W_1 Attn(H) + b_1) + b_2

The paper writes tokens as columns of H; here they are the rows of a ``(batch, tokens, width)``
tensor. A prompt is a set of examples and a query, which is last. So no position is encoded unless
``positions`` says so, and nothing is masked unless ``query_as_key`` is off.
"""

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from icnewton.models.config import ACTIVATIONS, TransformerConfig


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
        inner, bias = config.heads * config.head_dim, config.attention_bias
        self.query = _zero_linear(config.width, inner, bias, dtype)
        self.key = _zero_linear(config.width, inner, bias, dtype)
        self.value = _zero_linear(config.width, inner, bias, dtype)
        self.output = _zero_linear(inner, config.width, bias, dtype)

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
            self.embedding = _zero_linear(config.inputs, config.width, config.end_bias, dtype)
        self.positions: nn.Parameter | None = None
        if config.positions:
            zeros = torch.zeros(config.positions, config.width, dtype=dtype)
            self.positions = nn.Parameter(zeros)
        self.layers = nn.ModuleList(Layer(config, hidden, dtype) for hidden in config.hidden_widths)
        self.norm: nn.Module = nn.Identity()
        if config.last_norm:
            self.norm = nn.LayerNorm(config.width, dtype=dtype)
        self.readout: nn.Module = nn.Identity()
        if config.outputs:
            self.readout = _zero_linear(config.width, config.outputs, config.end_bias, dtype)

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

    def embedded(self, tokens: Tensor) -> Tensor:
        """The residual stream ``(batch, tokens, width)`` before the first layer.

        Raises ValueError for prompts of more tokens than there are positions.
        """
        stream: Tensor = self.embedding(tokens)
        if self.positions is None:
            return stream
        count, most = stream.shape[-2], len(self.positions)
        if count > most:
            raise ValueError(f"prompts must have at most {most} tokens, found {count}")
        return stream + self.positions[:count]

    def read(self, stream: Tensor) -> Tensor:
        """What is read from a residual stream, ``(batch, tokens, outputs or width)``."""
        answer: Tensor = self.readout(self.norm(stream))
        return answer

    def streams(self, tokens: Tensor) -> Iterator[Tensor]:
        """The residual streams ``(batch, tokens, width)``: embedded, then after each layer."""
        stream = self.embedded(tokens)
        yield stream
        for layer in self.applied:
            stream = layer(stream)
            yield stream

    def forward(self, tokens: Tensor) -> Tensor:
        """The read-out of the last residual stream: ``(batch, tokens, outputs or width)``."""
        *_, last = self.streams(tokens)
        return self.read(last)

    def answer(self, tokens: Tensor) -> Tensor:
        """The read-out of the last token, ``(batch, 1, outputs or width)``.

        The last layer computes no other token.
        """
        stream, layers = self.embedded(tokens), self.applied
        for index, layer in enumerate(layers, start=1):
            stream = layer(stream, query_only=index == len(layers))
        return self.read(stream[..., -1:, :])

    def trace(self, tokens: Tensor) -> list[Tensor]:
        """All ``loops * depth + 1`` residual streams, to look inside."""
        return list(self.streams(tokens))
