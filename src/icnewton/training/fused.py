"""A layer of linear attention as one compiled function of each prompt (``fused.c``), where a C compiler is at hand.

Tokens of one prompt fit into the first-level cache, so products, LayerNorm and gradients of a layer are done there, prompt by
prompt, at the speed of arithmetic; as separate operations on the whole batch they run at the speed of memory.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from icnewton.files import write_atomically
from icnewton.transformer import Layer

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-O3", "-march=native", "-std=gnu11")
LANES, CHUNK, ROOM = 16, 64, 48  # as in fused.c, the largest LANES that it may choose


@cache
def compiled() -> ctypes.CDLL | None:
    """The compiled ``fused.c``, from the user's cache folder, or None where there is no C compiler that makes it.

    The cache is keyed by the source, the compiler and the processor that it compiles for. ``ICNEWTON_COMPILER`` names
    another compiler than ``cc``; empty, it turns compilation off.
    """
    compiler = shutil.which(os.environ.get("ICNEWTON_COMPILER", "cc"))
    if compiler is None:
        return None
    for threads in (["-fopenmp"], []) if _torch_has_openmp() else ([],):
        with suppress(OSError, subprocess.CalledProcessError):
            return _load([compiler, *FLAGS, *threads])
    return None


def _torch_has_openmp() -> bool:
    """Whether torch brings a GNU OpenMP, which is then shown to the library, in place of a second set of threads."""
    package = Path(torch.__file__).parent
    libraries = [*package.glob("lib/libgomp*"), *package.parent.glob("torch.libs/libgomp*")]
    for library in libraries[:1]:
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    return bool(libraries)


def _load(compiler: list[str]) -> ctypes.CDLL:
    """The library, compiled if it is not there. It is linked to no OpenMP of its own."""
    macros = subprocess.run([*compiler, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, check=True).stdout
    key = hashlib.blake2b(SOURCE.read_bytes() + macros + repr(compiler).encode(), digest_size=8).hexdigest()
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "icnewton" / f"fused-{key}.so"

    def build(part: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "fused.o"
            compile = [*compiler, "-fPIC", "-c", "-o", str(made), str(SOURCE)]
            for command in (compile, [compiler[0], "-shared", "-o", str(part), str(made)]):
                subprocess.run(command, capture_output=True, check=True)

    if not cached.exists():
        write_atomically(cached, build)
    return ctypes.CDLL(str(cached))


def fuses(layer: Layer, stream: Tensor) -> bool:
    """Whether ``attend`` computes this layer's attention: linear, float32 on the CPU, widths that fill vector registers."""
    config = layer.attention.config
    fits = config.head_dim in range(LANES, 257, LANES) and config.heads * config.head_dim == config.width
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
        _call("forward", torch.get_num_threads(), *ctx.shape, stream, gain, bias, W, O, heads, out, _scratch(stream, 2))
        ctx.save_for_backward(stream, W.T.contiguous(), O.T.contiguous(), gain, bias, heads)
        return out

    @staticmethod
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        stream, WT, OT, gain, bias, heads = ctx.saved_tensors
        D, dstream = stream.shape[2], torch.empty_like(stream)
        sums = stream.new_zeros(-(-len(stream) // CHUNK), 2 * D + 4 * D * D)
        pointers = (stream, gain, bias, WT, OT, heads, dout.contiguous(), dstream, sums)
        _call("backward", torch.get_num_threads(), *ctx.shape, *pointers, _scratch(stream, 6))
        dgain, dbias, dW, dO = sums.sum(0).split([D, D, 3 * D * D, D * D])
        norm = (None, None) if gain is None else (dgain, dbias)
        return dstream, dW.view(D, 3 * D), dO.view(D, D), *norm, None, None


def _scratch(stream: Tensor, streams: int) -> Tensor:
    """Room for each thread to hold some streams of one prompt, or of a few short ones."""
    return stream.new_empty(torch.get_num_threads(), streams, max(stream.shape[1], ROOM), stream.shape[2])


def _call(name: str, *arguments: Tensor | int | None) -> None:
    library = compiled()
    assert library is not None
    pointers = [ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else a for a in arguments]
    getattr(library, name)(*pointers)
