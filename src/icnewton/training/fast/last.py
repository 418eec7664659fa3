"""The last layer's attention at the query, compiled (``last.c``)."""

from itertools import chain
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from icnewton.models.transformer import Layer
from icnewton.training.fast.kernel import CHUNK, LANES, addresses, call, compiled

MATRICES = (2, 4, 6, 8)  # places of Q, K, V and O among the weights


def fuses(layer: Layer, stream: Tensor) -> bool:
    """Whether ``through`` computes this layer's attention.

    It must be float32 on the CPU, and of widths that fill vector registers.
    """
    config = layer.attention.config
    inner = config.heads * config.head_dim
    fits = inner == config.width and config.head_dim % 8 == 0
    fills = config.width % LANES == 0 and config.width <= 4096
    is_plain = stream.dtype == torch.float32 and stream.device.type == "cpu"
    return is_plain and fits and fills and compiled() is not None


def through(layer: Layer, stream: Tensor) -> Tensor:
    """The query plus what it receives, ``(batch, 1, width)``, differentiable; ``fuses`` must hold.

    stream: ``(batch, tokens, width)``.
    """
    attention, config = layer.attention, layer.attention.config
    gain, bias = (layer.norms[0].weight, layer.norms[0].bias) if layer.norms else (None, None)
    maps = (attention.query, attention.key, attention.value, attention.output)
    weights = [gain, bias, *chain.from_iterable((m.weight, m.bias) for m in maps)]
    context = stream.shape[1] - (not config.query_as_key)
    shape = (context, config.head_dim, int(config.attention == "softmax"))
    return cast(Tensor, _Last.apply(stream, *shape, float(config.scale), *weights)).unsqueeze(1)


class _Last(torch.autograd.Function):
    """The query after attention, with gradients with respect to the stream and to the weights.

    Weights are gain and bias of LayerNorm, then Q, a, K, b, V, v, O and o in the letters of
    ``last.c``, as a linear map of torch holds them.
    """

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        stream: Tensor,
        context: int,
        head_dim: int,
        softmax: int,
        scale: float,
        *weights: Tensor | None,
    ) -> Tensor:
        stream = stream.contiguous()
        batch, tokens, D = stream.shape
        ctx.shape = (batch, tokens, context, D, head_dim, softmax, scale)
        Q, K, V, O = (cast(Tensor, weights[place]).contiguous() for place in MATRICES)
        turned = [matrix.T.contiguous() for matrix in (Q, K, V, O)]
        gain, bias, _, a, _, b, _, v, _, o = weights
        whole = (gain, bias, turned[0], a, K, b, turned[2], v, turned[3], o, Q, turned[1], V, O)
        out = stream.new_empty(batch, D)
        threads = torch.get_num_threads()
        scratch = _scratch(stream, head_dim)
        call("last_forward", threads, *ctx.shape, addresses(whole), stream, out, scratch)
        ctx.save_for_backward(stream, *whole)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        stream, *whole = ctx.saved_tensors
        D, dstream, dout = stream.shape[2], torch.empty_like(stream), dout.contiguous()
        sizes = [D, D, D * D, D, D * D, D, D * D, D, D * D, D]
        sums = stream.new_zeros(-(-len(stream) // CHUNK), sum(sizes))
        threads, scratch = torch.get_num_threads(), _scratch(stream, ctx.shape[4])
        results = (dout, dstream, sums, scratch)
        call("last_backward", threads, *ctx.shape, addresses(whole), stream, *results)
        dgain, dbias, dQ, da, dK, db, dV, dv, dO, do = sums.sum(0).split(sizes)
        dQ, dK, dV, dO = (matrix.view(D, D) for matrix in (dQ, dK, dV, dO))
        grads = (dgain, dbias, dQ.T, da, dK, db, dV.T, dv, dO.T, do)
        pairs = zip(grads, whole, strict=False)
        kept = [None if weight is None else grad for grad, weight in pairs]
        return dstream, None, None, None, None, *kept


def _scratch(stream: Tensor, head_dim: int) -> Tensor:
    """Room for each thread, as ``slice`` of ``last.c`` counts it."""
    _, tokens, D = stream.shape
    heads = D // head_dim
    rows = 5 * D + 4 * heads * D + tokens * heads + 4 * heads
    size = 2 * tokens * D + tokens * heads + CHUNK * rows
    return stream.new_empty(torch.get_num_threads(), size)
