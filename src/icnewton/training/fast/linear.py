"""A layer of linear attention, compiled (``linear.c``)."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from icnewton.models.transformer import Layer
from icnewton.training.fast.kernel import CHUNK, LANES, ROOM, call, compiled


def fuses(layer: Layer, stream: Tensor) -> bool:
    """Whether ``through`` computes this layer.

    It must be linear, float32 on the CPU, and of widths that fill vector registers.
    """
    config = layer.attention.config
    inner = config.heads * config.head_dim
    fits = config.head_dim in range(LANES, 257, LANES) and inner == config.width
    is_plain = stream.dtype == torch.float32 and stream.device.type == "cpu"
    return config.attention == "linear" and is_plain and fits and compiled() is not None


def through(layer: Layer, stream: Tensor) -> Tensor:
    """The next stream ``(batch, tokens, width)`` of a layer, differentiable.

    ``fuses`` must hold. A feed-forward network, if there is one, is computed as it is.
    """
    attention, config = layer.attention, layer.attention.config
    scale, query, key, value = config.scale, attention.query, attention.key, attention.value
    W, w = torch.cat([query.weight, scale * key.weight, value.weight]), None
    if config.attention_bias:
        w = torch.cat([query.bias, scale * key.bias, value.bias])
    gain, bias = (layer.norms[0].weight, layer.norms[0].bias) if layer.norms else (None, None)
    context = stream.shape[1] - (not config.query_as_key)
    is_whole = layer.feed_forward is None
    clip = math.inf if layer.clip is None or not is_whole else float(layer.clip)
    maps = (W.T, attention.output.weight.T, w, attention.output.bias)
    out = _Linear.apply(stream, *maps, gain, bias, context, config.head_dim, clip)
    return out if is_whole else layer.after_attention(out)


class _Linear(torch.autograd.Function):
    """S + sum_h Q_h K_h^T V_h O_h + o, clipped, with [Q K V] = LayerNorm(S) W + w.

    It has gradients with respect to S, W, O, w, o, gain and bias. Both of w and o are there, or
    none.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        stream: Tensor,
        W: Tensor,
        O: Tensor,
        w: Tensor | None,
        o: Tensor | None,
        gain: Tensor | None,
        bias: Tensor | None,
        context: int,
        head_dim: int,
        clip: float,
    ) -> Tensor:
        stream, W, O = stream.contiguous(), W.contiguous(), O.contiguous()
        (batch, tokens, D), out = stream.shape, torch.empty_like(stream)
        heads = stream.new_empty(batch, tokens, 3 * D)
        ctx.shape = (batch, tokens, context, D, head_dim)
        inside = None if clip == math.inf else torch.empty_like(stream, dtype=torch.uint8)
        pointers = (stream, gain, bias, W, O, w, o, heads, out, inside, _scratch(stream, 2))
        call("linear_forward", torch.get_num_threads(), *ctx.shape, clip, *pointers)
        transposes = (W.T.contiguous(), O.T.contiguous())
        ctx.save_for_backward(stream, gain, bias, *transposes, w, heads, inside)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        stream, gain, bias, WT, OT, w, heads, inside = ctx.saved_tensors
        D, dstream = stream.shape[2], torch.empty_like(stream)
        sums = stream.new_zeros(-(-len(stream) // CHUNK), 6 * D + 4 * D * D)
        pointers = (stream, gain, bias, WT, OT, w, heads, inside, dout.contiguous(), dstream, sums)
        call("linear_backward", torch.get_num_threads(), *ctx.shape, *pointers, _scratch(stream, 7))
        parts = sums.sum(0).split([D, D, 3 * D * D, D * D, 3 * D, D])
        dgain, dbias, dW, dO, dw, do = parts
        norm = (None, None) if gain is None else (dgain, dbias)
        biases = (None, None) if w is None else (dw, do)
        return dstream, dW.view(D, 3 * D), dO.view(D, D), *biases, *norm, None, None, None


def _scratch(stream: Tensor, streams: int) -> Tensor:
    """Room for each thread to hold some streams of one prompt, or of a few short ones."""
    tokens, width = max(stream.shape[1], ROOM), stream.shape[2]
    return stream.new_empty(torch.get_num_threads(), streams, tokens, width)
