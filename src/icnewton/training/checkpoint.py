"""Checkpoints in safetensors: weights, the optimizers' moments, the random stream, the log so far. No pickle."""

import json
from collections.abc import Sequence
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from icnewton.files import write_atomically
from icnewton.training.engine import TrainingState

Record = tuple[float, float, float, float, float]


def save_checkpoint(path: Path, state: TrainingState, log: Sequence[Record], identity: str) -> None:
    """Write the state and log atomically; ``identity`` names the run and the code that made it."""
    tensors = {f"weights.{name}": value for name, value in state.transformer.state_dict().items()}
    for place, optimizer in enumerate(state.optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer{place}.{index}.{name}": value for name, value in moments.items()}
    tensors["source"] = state.source.get_state()
    tensors["log"] = torch.tensor(log, dtype=torch.float64).reshape(-1, len(Record.__args__))  # type: ignore[attr-defined]
    tensors = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    metadata = {"identity": identity, "step": json.dumps(state.step)}
    write_atomically(path, lambda part: save_file(tensors, part, metadata))


def load_checkpoint(path: Path, state: TrainingState, identity: str) -> list[Record]:
    """Restore ``state`` in place and return the log; raises ValueError with the reason if the file cannot be used."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path}: expected a checkpoint, found {error}") from None
    if metadata.get("identity") != identity:
        raise ValueError(f"{path}: the checkpoint belongs to other settings or other code")
    floating = [tensor for tensor in tensors.values() if tensor.is_floating_point()]
    if not all(bool(tensor.isfinite().all()) for tensor in floating):
        raise ValueError(f"{path}: the checkpoint holds values that are not finite")
    state.transformer.load_state_dict(_under("weights.", tensors))
    for place, optimizer in enumerate(state.optimizers):
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(f"optimizer{place}.", tensors).items():
            index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    state.source.set_state(tensors["source"])
    state.step = json.loads(metadata["step"])
    state.clock.fill_(state.step)
    return [tuple(row) for row in tensors["log"].tolist()]


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
