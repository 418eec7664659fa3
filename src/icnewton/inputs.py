"""What a caller hands to a model, as tensors: torch's own, numpy arrays, data frames, lists,
numbers of any kind.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

Shape = tuple[int | str, ...]  # sizes; a letter is a size that is not known beforehand


def as_tensor(name: str, value: Any, device: torch.device) -> Tensor:
    """A real tensor of what was given, in its own precision; what is no tensor goes to ``device``.

    Raises ValueError, naming it, for what holds no real numbers, and for a tensor on another
    device.
    """
    if isinstance(value, Tensor):
        if value.is_complex():
            raise ValueError(f"{name} must hold real numbers, found {value.dtype}")
        if value.device != device:
            raise ValueError(
                f"{name} must be on the model's device {device}, found {value.device}; move one with .to"
            )
        return value
    if (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(item, Tensor) for item in value)
    ):
        return as_tensor(name, torch.stack(list(value)), device)
    try:
        array = np.ascontiguousarray(value)
    except ValueError:  # lists of unequal lengths
        array = np.array(value, dtype=object)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} must hold real numbers in a regular array, found {type(value).__name__} of {array.dtype}"
        )
    return torch.tensor(array if array.itemsize <= 8 else array.astype(float), device=device)


def require(shapes: Mapping[str, tuple[Tensor, Shape]]) -> None:
    """Raise ValueError unless each tensor has its shape behind a batch size, and all of them the
    same batch size.

    A letter in a shape is one size wherever it stands; ``n + 1`` is one more than n, which another
    tensor has.
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
        found = " and ".join(
            f"{name} of shape {tuple(tensor.shape)}" for name, (tensor, _) in shapes.items()
        )
        raise ValueError(f"{' and '.join(shapes)} must have the same batch size, found {found}")


def _wrong(name: str, tensor: Tensor, shape: Shape) -> str:
    return f"{name} must have shape ({', '.join(['batch', *map(str, shape)])}), found {tuple(tensor.shape)}"


def not_finite(**inputs: Tensor) -> str:
    """A sentence if some input holds a value that is not finite, else nothing."""
    for name, tensor in inputs.items():
        if not bool(torch.isfinite(tensor).all()):
            return f"{name} must be finite, found {tensor[~torch.isfinite(tensor)][0].item()}"
    return ""


def visible(*tensors: Tensor) -> bool:
    """Whether the values of tensors can be looked at; under ``torch.vmap`` they cannot."""
    try:
        for tensor in tensors:
            tensor.detach().sum().item()
    except RuntimeError:
        return False
    return True
