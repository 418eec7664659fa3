"""A block of the softmax encoder, compiled (``encoder.c``)."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from icnewton.models.transformer import FeedForward, Layer
from icnewton.training.fast.kernel import CHUNK, LANES, addresses, call, compiled

MATRICES = (2, 4, 8, 10)  # places of W, O, A and B among the weights


def fuses(layer: Layer, stream: Tensor) -> bool:
    """Whether ``through`` computes this layer.

    It must be softmax attention and a feed-forward network, both behind LayerNorm, without mask or
    clip, float32 on the CPU, and of widths that fill vector registers.
    """
    config, network = layer.attention.config, layer.feed_forward
    inner = config.heads * config.head_dim
    if network is None or not layer.norms or layer.clip is not None or not config.query_as_key:
        return False
    widths = (config.width, network.first.out_features)
    fits = inner == config.width and config.head_dim % 8 == 0 and config.scale > 0
    fills = all(width % LANES == 0 and width <= 4096 for width in widths)
    is_plain = stream.dtype == torch.float32 and stream.device.type == "cpu"
    is_softmax = config.attention == "softmax"
    return is_softmax and is_plain and fits and fills and compiled() is not None


def through(layer: Layer, stream: Tensor) -> Tensor:
    """The next stream ``(batch, tokens, width)`` of a layer, differentiable.

    ``fuses`` must hold.
    """
    attention, config = layer.attention, layer.attention.config
    network = cast(FeedForward, layer.feed_forward)
    query, key, value = attention.query, attention.key, attention.value
    W, w = torch.cat([query.weight, key.weight, value.weight]), None
    if config.attention_bias:
        w = torch.cat([query.bias, key.bias, value.bias])
    first, second = cast(list[nn.LayerNorm], list(layer.norms))
    weights = (
        *(first.weight, first.bias, W.T, w, attention.output.weight.T, attention.output.bias),
        *(second.weight, second.bias, network.first.weight.T, network.first.bias),
        *(network.second.weight.T, network.second.bias),
    )
    shape = (config.head_dim, network.first.out_features, int(config.activation == "relu"))
    return cast(Tensor, _Block.apply(stream, *shape, float(config.scale), *weights))


class _Block(torch.autograd.Function):
    """The block, with gradients with respect to the stream and to its weights.

    Weights are those of the first LayerNorm, W, w, O, o, those of the second, A, a, B and b, in the
    letters of ``encoder.c``.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        stream: Tensor,
        head_dim: int,
        hidden: int,
        relu: int,
        scale: float,
        *weights: Tensor | None,
    ) -> Tensor:
        stream = stream.contiguous()
        turned = [cast(Tensor, weights[place]).T.contiguous() for place in MATRICES]
        whole = [None if weight is None else weight.contiguous() for weight in weights]
        batch, tokens, D = stream.shape
        y, r, out = (torch.empty_like(stream) for _ in range(3))
        ctx.shape = (batch, tokens, D, head_dim, hidden, relu, scale)
        kept, scratch = (stream, y, r), _scratch(stream, hidden)
        call("encoder_forward", *_shape(ctx), addresses(whole), *kept, out, scratch)
        ctx.save_for_backward(*kept, *whole, *turned)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        stream, y, r, *weights = ctx.saved_tensors
        D, hidden, dstream = ctx.shape[2], ctx.shape[4], torch.empty_like(stream)
        sizes = [D, D, 3 * D * D, 3 * D, D * D, D, D, D, D * hidden, hidden, hidden * D, D]
        sums = stream.new_zeros(-(-len(stream) // CHUNK), sum(sizes))
        results = (dout.contiguous(), dstream, sums, _scratch(stream, hidden))
        call("encoder_backward", *_shape(ctx), addresses(weights), stream, y, r, *results)
        grads = []
        for grad, weight in zip(sums.sum(0).split(sizes), weights, strict=False):
            grads.append(None if weight is None else grad.view(weight.shape))
        return dstream, None, None, None, None, *grads


def _shape(ctx: Any) -> tuple[int | float, ...]:
    return (torch.get_num_threads(), *ctx.shape)


def _scratch(stream: Tensor, hidden: int) -> Tensor:
    """Room for each thread, as ``slice`` of ``encoder.c`` counts it."""
    _, tokens, D = stream.shape
    padded = -(-tokens // LANES) * LANES
    size = tokens * (10 * D + 4 * hidden + 2 * padded) + D * padded
    return stream.new_empty(torch.get_num_threads(), size)
