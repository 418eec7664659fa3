"""The first layer of linear attention, compiled (``first.c``)."""

import math
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from icnewton.training.fast.kernel import CHUNK, LANES, call, compiled


def fuses(tokens: Tensor, logits: Tensor, values: Tensor) -> bool:
    """Whether ``through`` computes the layer.

    It must be float32 on the CPU, of a width that fills vector registers, and nobody may ask for
    the gradient with respect to the tokens.
    """
    parts = (tokens, logits, values)
    is_plain = all(part.dtype == torch.float32 and part.device.type == "cpu" for part in parts)
    width, is_small = values.shape[-1], logits.shape[-1] <= 256
    fits = width % LANES == 0 and width <= 4096 and is_small and not tokens.requires_grad
    return is_plain and fits and compiled() is not None


def through(
    coordinates: Tensor,
    tokens: Tensor | None,
    logits: Tensor,
    values: Tensor,
    kept: Tensor,
    context: int,
    clip: float | None,
) -> Tensor:
    """The stream ``(batch, n + 1, width)`` after the first layer, differentiable.

    coordinates: c ``(batch, n + 1, r)``; tokens: z ``(batch, n + 1, inputs)``, or None if it is c.
    logits: L ``(heads, r, r)``; values: U ``(heads, r, width)``; kept: K ``(inputs, width)``.
    context: the tokens that are attended to.
    """
    r = max(coordinates.shape[-1], kept.shape[0])
    R = -(-r // 8) * 8
    x, z = (None if part is None else _filled(part, R) for part in (coordinates, tokens))
    L = F.pad(logits, (0, R - logits.shape[2], 0, R - logits.shape[1]))
    U = F.pad(values, (0, 0, 0, R - values.shape[1])).flatten(0, 1)
    K = F.pad(kept, (0, 0, 0, R - kept.shape[0]))
    bound = math.inf if clip is None else float(clip)
    return cast(Tensor, _First.apply(x, z, L, U, K, r, context, bound))


def _filled(part: Tensor, R: int) -> Tensor:
    return F.pad(part, (0, R - part.shape[-1]))


class _First(torch.autograd.Function):
    """The layer, with gradients with respect to c, L, U and K in the letters of ``first.c``."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        x: Tensor,
        z: Tensor | None,
        L: Tensor,
        U: Tensor,
        K: Tensor,
        r: int,
        context: int,
        clip: float,
    ) -> Tensor:
        x, L, U, K = (tensor.contiguous() for tensor in (x, L, U, K))
        z = None if z is None else z.contiguous()
        (batch, tokens, R), (n, D) = x.shape, U.shape
        ctx.shape = (batch, tokens, context, D, R, r, n)
        out = x.new_empty(batch, tokens, D)
        inside = None if clip == math.inf else torch.empty_like(out, dtype=torch.uint8)
        pointers = (x, z, L, U, K, out, inside, _scratch(x, n, D))
        call("first_forward", torch.get_num_threads(), *ctx.shape, clip, *pointers)
        ctx.save_for_backward(x, z, L, U, inside)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, z, L, U, inside = ctx.saved_tensors
        (R, (n, D)), turned = (x.shape[2], U.shape), U.T.contiguous()
        dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        sums = x.new_zeros(-(-len(x) // CHUNK), R * n + n * D + R * D)
        results = (inside, dout.contiguous(), dx, sums, _scratch(x, n, D))
        call("first_backward", torch.get_num_threads(), *ctx.shape, x, z, L, U, turned, *results)
        dL, dU, dK = sums.sum(0).split([R * n, n * D, R * D])
        return dx, None, dL.view(L.shape), dU.view(n, D), dK.view(R, D), None, None, None


def _scratch(x: Tensor, n: int, D: int) -> Tensor:
    """Room for each thread, as ``slice`` of ``first.c`` counts it."""
    _, tokens, R = x.shape
    size = 2 * R * R + 2 * R * n + 3 * R * D + tokens * D
    return x.new_empty(torch.get_num_threads(), size)
