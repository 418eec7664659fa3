"""Prompts on disk: safetensors, one tensor for each field."""

from dataclasses import fields
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from icnewton.files import brief, write_atomically
from icnewton.problems.linear import Prompts
from icnewton.problems.logistic import LogisticPrompts


def write_prompts(path: Path, prompts: Prompts | LogisticPrompts) -> None:
    """Write prompts of either kind, atomically."""
    tensors = {name: tensor.contiguous() for name, tensor in vars(prompts).items()}
    write_atomically(path, lambda part: save_file(tensors, part))


def read_prompts(path: Path | str) -> Prompts:
    """Linear prompts written by ``write_prompts``; raises ValueError, naming the file, if it holds
    none.
    """
    return Prompts(**_tensors(Path(path), Prompts))


def read_logistic_prompts(path: Path | str) -> LogisticPrompts:
    """Logistic prompts written by ``write_prompts``; raises ValueError, naming the file, if it
    holds none.
    """
    return LogisticPrompts(**_tensors(Path(path), LogisticPrompts))


def _tensors(path: Path, kind: type[Prompts | LogisticPrompts]) -> dict[str, Tensor]:
    wanted = [field.name for field in fields(kind)]
    try:
        tensors = load(path.read_bytes())
        if tensors.keys() != set(wanted):
            raise ValueError(f"tensors {', '.join(tensors)}")
    except (OSError, ValueError, SafetensorError) as error:
        raise ValueError(
            f"{path}: expected prompts, tensors {', '.join(wanted)}, found {brief(str(error))}"
        ) from None
    return tensors
