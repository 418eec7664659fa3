"""A layer of linear attention as one compiled function of each prompt (``fused.c``), where a C compiler is at hand.

Tokens of one prompt fit into the first-level cache, so products, LayerNorm and gradients of a layer are done there, prompt by
prompt, at the speed of arithmetic; as separate operations on the whole batch they run at the speed of memory.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from icnewton.files import write_atomically
from icnewton.transformer import Layer

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-O3", "-march=native", "-std=gnu11")
LANES = 16


@cache
def compiled() -> ctypes.CDLL | None:
    """The compiled ``fused.c``, from the user's cache folder, or None where there is no C compiler that makes it.

    The cache is keyed by the source, the compiler and the processor that it compiles for. ``ICNEWTON_COMPILER`` names
    another compiler than ``cc``; empty, it turns compilation off.
    """
    compiler = shutil.which(os.environ.get("ICNEWTON_COMPILER", "cc"))
    if compiler is None:
        return None
    try:
        macros = subprocess.run([compiler, *FLAGS, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, check=True).stdout
        key = hashlib.blake2b(SOURCE.read_bytes() + macros, digest_size=8).hexdigest()
        cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "icnewton" / f"fused-{key}.so"
        if not cached.exists():
            cached.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(cached, lambda part: _compile(compiler, part))
        return ctypes.CDLL(str(cached))
    except (OSError, subprocess.CalledProcessError):
        return None


def _compile(compiler: str, target: Path) -> None:
    subprocess.run([compiler, *FLAGS, "-shared", "-fPIC", "-o", target, SOURCE], capture_output=True, check=True)


def fuses(layer: Layer, stream: Tensor) -> bool:
    """Whether ``attend`` computes this layer's attention: linear, float32 on the CPU, widths that fill vector registers."""
    config = layer.attention.config
    fits = config.head_dim % LANES == 0 and config.heads * config.head_dim == config.width
    plain = config.attention == "linear" and stream.dtype == torch.float32 and stream.device.type == "cpu"
    return plain and fits and compiled() is not None


def attend(layer: Layer, stream: Tensor) -> Tensor:
    """``stream`` + the layer's attention to it, ``(batch, tokens, width)``, differentiable; ``fuses`` must hold."""
    attention, config = layer.attention, layer.attention.config
    projections = torch.cat([attention.query.weight, config.scale * attention.key.weight, attention.value.weight])
    gain, bias = (layer.norms[0].weight, layer.norms[0].bias) if layer.norms else (None, None)
    context = stream.shape[1] - (not config.query_as_key)
    return _Attend.apply(stream, projections.T, attention.output.weight.T, gain, bias, context, config.head_dim)


class _Attend(torch.autograd.Function):
    """S + sum_h Q_h K_h^T V_h O_h with [Q K V] = LayerNorm(S) W; gradients with respect to S, W, O, gain and bias."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, stream: Tensor, W: Tensor, O: Tensor, gain: Tensor | None, bias: Tensor | None, context: int, head_dim: int
    ) -> Tensor:
        stream, W, O = stream.contiguous(), W.contiguous(), O.contiguous()
        (batch, tokens, D), out = stream.shape, torch.empty_like(stream)
        heads = stream.new_empty(batch, tokens, 3 * D)
        ctx.shape = (batch, tokens, context, D, head_dim)
        _call("forward", *ctx.shape, stream, gain, bias, W, O, heads, out)
        ctx.save_for_backward(stream, W.T.contiguous(), O.T.contiguous(), gain, bias, heads)
        return out

    @staticmethod
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        stream, WT, OT, gain, bias, heads = ctx.saved_tensors
        D, dstream = stream.shape[2], torch.empty_like(stream)
        dgain, dbias, dW, dO = (stream.new_zeros(shape) for shape in (D, D, (D, 3 * D), (D, D)))
        sums = (dgain, dbias, dW, dO)
        _call("backward", *ctx.shape, stream, gain, bias, WT, OT, heads, dout.contiguous(), dstream, *sums)
        norm = (None, None) if gain is None else (dgain, dbias)
        return dstream, dW, dO, *norm, None, None


def _call(name: str, *arguments: Tensor | int | None) -> None:
    library = compiled()
    assert library is not None
    pointers = [ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else a for a in arguments]
    getattr(library, name)(*pointers)
