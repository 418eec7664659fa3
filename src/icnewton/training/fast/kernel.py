"""Layers as compiled functions of each prompt, where a C compiler is found.

Tokens of one prompt fit into the first-level cache, so products, LayerNorm and gradients of a layer
are done there, prompt by prompt or a few at a time, at the speed of arithmetic. As separate
operations on the whole batch they run at the speed of memory. ``first.py``, ``linear.py``,
``encoder.py`` and ``last.py`` say which layers there are.
"""

import ctypes
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from icnewton.files import brief, write_atomically

HEADER = Path(__file__).with_suffix(".h")
SOURCES = [HEADER.with_name(name) for name in ("first.c", "linear.c", "encoder.c", "last.c")]
FLAGS = ("-O3", "-march=native", "-std=gnu11")
LANES, CHUNK, ROOM = 16, 64, 48  # as in kernel.h, the largest LANES that it may choose
PATIENCE = 60.0  # seconds; a command takes about two
DIGEST = 16  # bytes


@cache
def compiled() -> ctypes.CDLL | None:
    """The compiled layers from the user's cache folder.

    If nothing can make them, it is None, and a warning says why. The cache is keyed by the sources,
    the compiler and the processor that it compiles for. ``ICNEWTON_COMPILER`` names a compiler
    other than ``cc``; if it is empty, nothing is compiled.
    """
    name = os.environ.get("ICNEWTON_COMPILER", "cc")
    try:
        return _library(name) if name else None
    except (OSError, subprocess.SubprocessError) as error:
        reason = brief(_reason(error))
        warnings.warn(
            f"ICNEWTON_COMPILER: expected a C compiler that makes its layers, "
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
    texts = b"".join(path.read_bytes() for path in (HEADER, *SOURCES))
    ingredients = texts + macros + repr(compiler).encode()
    key = hashlib.blake2b(ingredients, digest_size=8).hexdigest()
    cached = _cache() / f"layers-{key}.so"
    with suppress(OSError):
        if _is_whole(cached):
            return ctypes.CDLL(str(cached))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "layers.so"
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
    parts = [str(library.with_suffix(f".{source.stem}.o")) for source in SOURCES]
    for source, part in zip(SOURCES, parts, strict=True):
        _run([*compiler, "-fPIC", "-c", "-o", part, str(source)])
    _run([compiler[0], "-shared", "-o", str(library), *parts])


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


def call(name: str, *arguments: Any) -> None:
    """Call a compiled function with tensors, numbers and other values of C."""
    getattr(compiled(), name)(*map(_foreign, arguments))


def _foreign(argument: Any) -> Any:
    """What C is given: the address of a tensor's numbers, or the value itself."""
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    return ctypes.c_float(argument) if isinstance(argument, float) else argument


def addresses(tensors: Sequence[Tensor | None]) -> Any:
    """An array of pointers to tensors, which must live as long; None is a null pointer."""
    found = [None if tensor is None else tensor.data_ptr() for tensor in tensors]
    return (ctypes.c_void_p * len(found))(*found)
