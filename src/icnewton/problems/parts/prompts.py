"""Batches of prompts, in memory and on disk."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from icnewton.files import brief, write_atomically

P = TypeVar("P", bound="Prompts")


@dataclass(frozen=True)
class Prompts:
    """What models are asked and should answer, ``(batch, ...)`` each.

    x, y: what models take.
    w: true weights ``(batch, d)``.
    target: the right answers.
    covariance: ``(batch,)`` int64, which covariance a prompt came from.

    A problem's own prompts may hold more.
    """

    x: Tensor
    y: Tensor
    w: Tensor
    target: Tensor
    covariance: Tensor

    @property
    def n(self) -> int:
        """The number of labelled examples."""
        return self.y.shape[-1]

    @property
    def d(self) -> int:
        """The dimension of an example."""
        return self.x.shape[-1]

    def error(self, answers: Tensor) -> Tensor:
        """How far answers are from right, ``(batch,)``: their mean squared error."""
        return (answers - self.target).square().view(len(self.target), -1).mean(1)

    def map(self: P, f: Callable[[Tensor], Tensor]) -> P:
        """The prompts with f applied to every tensor."""
        return type(self)(**{name: f(tensor) for name, tensor in vars(self).items()})


def write_prompts(path: Path, prompts: Prompts) -> None:
    """Write prompts in safetensors, one tensor for each field, atomically."""
    tensors = {name: tensor.contiguous() for name, tensor in vars(prompts).items()}
    write_atomically(path, lambda part: save_file(tensors, part))


def read_prompts(kind: type[P], path: Path | str) -> P:
    """Prompts of a class from a file; raises ValueError, naming the file, if it holds none."""
    wanted = [field.name for field in fields(kind)]
    try:
        tensors = load(Path(path).read_bytes())
        if tensors.keys() != set(wanted):
            raise ValueError(f"tensors {', '.join(tensors)}")
    except (OSError, ValueError, SafetensorError) as error:
        expected = f"expected prompts, tensors {', '.join(wanted)}"
        raise ValueError(f"{path}: {expected}, found {brief(str(error))}") from None
    return kind(**tensors)
