"""What a caller hands to a model, as tensors.

It may be torch's own tensors, numpy arrays, data frames, lists, or numbers of any kind.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Shape = tuple[int | str, ...]  # sizes; a letter stands for a size that is not known beforehand


def as_tensor(name: str, value: Any, device: torch.device) -> Tensor:
    """A real tensor of what was given, in its own precision.

    What is not yet a tensor goes to ``device``. Raises ValueError, naming the input, if it holds
    no real numbers, and for a tensor on another device.
    """
    if isinstance(value, Tensor):
        if value.is_complex():
            raise ValueError(f"{name} must hold real numbers, found {value.dtype}")
        if value.device != device:
            wanted = f"on the model's device {device}"
            raise ValueError(f"{name} must be {wanted}, found {value.device}; move one with .to")
        return value
    is_list = isinstance(value, list | tuple) and len(value) > 0
    if is_list and all(isinstance(item, Tensor) for item in value):
        return as_tensor(name, torch.stack(list(value)), device)
    try:
        array = np.ascontiguousarray(value)
    except ValueError:  # lists of unequal lengths
        array = np.array(value, dtype=object)
    if array.dtype.kind not in "fiub":
        found = f"{type(value).__name__} of {array.dtype}"
        raise ValueError(f"{name} must hold real numbers in a regular array, found {found}")
    return torch.tensor(array if array.itemsize <= 8 else array.astype(float), device=device)


def require(shapes: Mapping[str, tuple[Tensor, Shape]]) -> None:
    """Raise ValueError unless each tensor has its shape behind one batch size, the same for all.

    A letter in a shape is the same size wherever it stands. ``n + 1`` is one more than the n of
    another tensor.
    """
    sizes: dict[str, int] = {}
    for name, (tensor, shape) in shapes.items():
        if tensor.ndim != len(shape) + 1:
            raise ValueError(_wrong(name, tensor, shape))
        sizes |= {str(size): found for size, found in zip(shape, tensor.shape[1:], strict=True)}
    sizes["n + 1"] = sizes.get("n", -1) + 1
    for name, (tensor, shape) in shapes.items():
        expected = [sizes[size] if isinstance(size, str) else size for size in shape]
        if list(tensor.shape[1:]) != expected:
            raise ValueError(_wrong(name, tensor, shape))
    if len({len(tensor) for tensor, _ in shapes.values()}) > 1:
        each = [f"{name} of shape {tuple(tensor.shape)}" for name, (tensor, _) in shapes.items()]
        names, found = " and ".join(shapes), " and ".join(each)
        raise ValueError(f"{names} must have the same batch size, found {found}")


def _wrong(name: str, tensor: Tensor, shape: Shape) -> str:
    expected = ", ".join(["batch", *map(str, shape)])
    return f"{name} must have shape ({expected}), found {tuple(tensor.shape)}"


def not_finite(**inputs: Tensor) -> str:
    """A sentence if some input holds a value that is not finite; empty if none does."""
    for name, tensor in inputs.items():
        if not bool(torch.isfinite(tensor).all()):
            return f"{name} must be finite, found {tensor[~torch.isfinite(tensor)][0].item()}"
    return ""


def visible(*tensors: Tensor) -> bool:
    """Whether the values of tensors can be read; under ``torch.vmap`` they cannot."""
    try:
        for tensor in tensors:
            tensor.detach().sum().item()
    except RuntimeError:
        return False
    return True
