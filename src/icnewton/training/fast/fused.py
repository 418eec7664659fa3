"""A layer of linear attention as one compiled function of each prompt (``fused.c``).

It is used where a C compiler is found. Tokens of one prompt fit into the first-level cache, so
products, LayerNorm and gradients of a layer are done there, prompt by prompt, at the speed of
arithmetic. As separate operations on the whole batch they run at the speed of memory.
"""

import ctypes
import hashlib
import math
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from icnewton.files import brief, write_atomically
from icnewton.models.transformer import Layer

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-O3", "-march=native", "-std=gnu11")
LANES, CHUNK, ROOM = 16, 64, 48  # as in fused.c, the largest LANES that it may choose
PATIENCE = 60.0  # seconds; a command takes about two
DIGEST = 16  # bytes


@cache
def compiled() -> ctypes.CDLL | None:
    """The compiled ``fused.c`` from the user's cache folder.

    If nothing can make it, it is None, and a warning says why. The cache is keyed by the source,
    the compiler and the processor that it compiles for. ``ICNEWTON_COMPILER`` names a compiler
    other than ``cc``; if it is empty, nothing is compiled.
    """
    name = os.environ.get("ICNEWTON_COMPILER", "cc")
    try:
        return _library(name) if name else None
    except (OSError, subprocess.SubprocessError) as error:
        reason = brief(_reason(error))
        warnings.warn(
            f"ICNEWTON_COMPILER: expected a C compiler that makes {SOURCE.name}, "
            f"found {name!r}: {reason}; training goes on without it, more slowly",
            RuntimeWarning,
            stacklevel=2,
        )
        return None


def _reason(error: Exception) -> str:
    """What a compiler complained of, or what kept it from saying anything."""
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer within {error.timeout:g} s"
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").splitlines()
        return next((line for line in lines if "error" in line), f"exit status {error.returncode}")
    return str(error)


def _library(name: str) -> ctypes.CDLL:
    """The library made with OpenMP if torch brings one, or else without."""
    compiler = shutil.which(name)
    if compiler is None:
        raise FileNotFoundError("no such command")
    if _torch_has_openmp():
        try:
            return _load([compiler, *FLAGS, "-fopenmp"])
        except (OSError, subprocess.CalledProcessError):
            pass  # a compiler without OpenMP
    return _load([compiler, *FLAGS])


def _torch_has_openmp() -> bool:
    """Whether torch brings a GNU OpenMP.

    If so, it is loaded for the library, which then starts no second set of threads.
    """
    package = Path(torch.__file__).parent
    libraries = [*package.glob("lib/libgomp*"), *package.parent.glob("torch.libs/libgomp*")]
    for library in libraries[:1]:
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    return bool(libraries)


def _load(compiler: list[str]) -> ctypes.CDLL:
    """The library, compiled if no whole one is cached. It is linked to no OpenMP of its own."""
    macros = _run([*compiler, "-dM", "-E", "-x", "c", os.devnull])
    ingredients = SOURCE.read_bytes() + macros + repr(compiler).encode()
    key = hashlib.blake2b(ingredients, digest_size=8).hexdigest()
    cached = _cache() / f"fused-{key}.so"
    with suppress(OSError):
        if _is_whole(cached):
            return ctypes.CDLL(str(cached))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "fused.so"
        _compile(compiler, made)
        content = made.read_bytes()
        with suppress(OSError):  # a cache that cannot be written, or from which nothing may be run
            write_atomically(cached, lambda part: part.write_bytes(content + _digest(content)))
            return ctypes.CDLL(str(cached))
        return ctypes.CDLL(str(made))


def _cache() -> Path:
    """Where libraries are kept; if the user has no home, a path where nothing can be written."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "icnewton"
    except RuntimeError:
        return Path(os.devnull, "icnewton")


def _is_whole(library: Path) -> bool:
    """Whether a file is there and ends with the digest of the rest of it, which loaders ignore.

    A process that loads a library that was cut short would crash.
    """
    content = library.read_bytes() if library.is_file() else b""
    return len(content) > DIGEST and content[-DIGEST:] == _digest(content[:-DIGEST])


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST).digest()


def _compile(compiler: list[str], library: Path) -> None:
    parts = library.with_suffix(".o")
    _run([*compiler, "-fPIC", "-c", "-o", str(parts), str(SOURCE)])
    _run([compiler[0], "-shared", "-o", str(library), str(parts)])


def _run(command: list[str]) -> bytes:
    """What a command prints; raises SubprocessError if it fails or hangs, and leaves no process."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    pipes["stdin"] = subprocess.DEVNULL
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, out, err)
    return out


def fuses(layer: Layer, stream: Tensor) -> bool:
    """Whether ``attend`` computes this layer's attention.

    It must be linear, float32 on the CPU, and of widths that fill vector registers.
    """
    config = layer.attention.config
    inner = config.heads * config.head_dim
    fits = config.head_dim in range(LANES, 257, LANES) and inner == config.width
    is_plain = stream.dtype == torch.float32 and stream.device.type == "cpu"
    return config.attention == "linear" and is_plain and fits and compiled() is not None


def attend(layer: Layer, stream: Tensor) -> Tensor:
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
    clip = math.inf if layer.clip is None or not is_whole else layer.clip
    maps = (W.T, attention.output.weight.T, w, attention.output.bias)
    out = _Attend.apply(stream, *maps, gain, bias, context, config.head_dim, clip)
    return out if is_whole else layer.after_attention(out)


class _Attend(torch.autograd.Function):
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
        ctx.shape = (batch, tokens, context, D, head_dim, clip)
        pointers = (stream, gain, bias, W, O, w, o, heads, out)
        _call("forward", torch.get_num_threads(), *ctx.shape, *pointers, _scratch(stream, 2))
        transposes = (W.T.contiguous(), O.T.contiguous())
        ctx.save_for_backward(stream, gain, bias, *transposes, w, heads, out)
        return out

    @staticmethod
    def backward(ctx: Any, dout: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        stream, gain, bias, WT, OT, w, heads, out = ctx.saved_tensors
        D, dstream = stream.shape[2], torch.empty_like(stream)
        sums = stream.new_zeros(-(-len(stream) // CHUNK), 6 * D + 4 * D * D)
        pointers = (stream, gain, bias, WT, OT, w, heads, out, dout.contiguous(), dstream, sums)
        _call("backward", torch.get_num_threads(), *ctx.shape, *pointers, _scratch(stream, 7))
        parts = sums.sum(0).split([D, D, 3 * D * D, D * D, 3 * D, D])
        dgain, dbias, dW, dO, dw, do = parts
        norm = (None, None) if gain is None else (dgain, dbias)
        biases = (None, None) if w is None else (dw, do)
        return dstream, dW.view(D, 3 * D), dO.view(D, D), *biases, *norm, None, None, None


def _scratch(stream: Tensor, streams: int) -> Tensor:
    """Room for each thread to hold some streams of one prompt, or of a few short ones."""
    tokens, width = max(stream.shape[1], ROOM), stream.shape[2]
    return stream.new_empty(torch.get_num_threads(), streams, tokens, width)


def _call(name: str, *arguments: Tensor | float | None) -> None:
    getattr(compiled(), name)(*map(_foreign, arguments))


def _foreign(argument: Tensor | float | None) -> Any:
    """What C is given: the address of a tensor's numbers, or a number."""
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    return ctypes.c_float(argument) if isinstance(argument, float) else argument
