"""Checkpoints in safetensors, without pickle.

They hold the weights, the optimizers' moments, the random stream and the log so far.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from icnewton.files import brief, write_atomically
from icnewton.training.runs import Run
from icnewton.training.step import TrainingState
from icnewton.typed import differences

Record = tuple[float, float, float, float, float]


def save_checkpoint(
    path: Path, state: TrainingState, log: Sequence[Record], run: Run, code: str
) -> None:
    """Write the state and log of a run atomically.

    code: the digest of the code that trained it so far.
    """
    tensors = {f"weights.{name}": value for name, value in state.transformer.state_dict().items()}
    for place, optimizer in enumerate(state.optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            prefix = f"optimizer{place}.{index}"
            tensors |= {f"{prefix}.{name}": value for name, value in moments.items()}
    tensors["source"] = state.source.get_state()
    tensors["log"] = torch.tensor(log, dtype=torch.float64).reshape(-1, len(Record.__args__))  # type: ignore[attr-defined]
    tensors = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    metadata = {
        "run": json.dumps(run.to_json()),
        "code": code,
        "torch": torch.__version__,
        "step": str(state.step),
    }
    sealed = metadata | {"digest": _digest(tensors, metadata)}
    write_atomically(path, lambda part: save_file(tensors, part, sealed))


def writable(path: str | Path) -> Path:
    """The path of a checkpoint, whose folder is made.

    Raises ValueError in one sentence if no checkpoint can be written there.
    """
    try:
        path = Path(path).expanduser()
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()
    except (OSError, RuntimeError) as error:  # RuntimeError if a user has no home
        raise ValueError(
            f"checkpoint: expected a file that can be written, found {path}: {brief(str(error))}"
        ) from None
    return path


def load_checkpoint(path: Path, state: TrainingState, run: Run, code: str) -> list[Record]:
    """Restore ``state`` in place and return the log.

    Raises ValueError with the reason if the file cannot be used.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path}: expected a checkpoint, found something that is not a file")
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path}: expected a checkpoint, found {error}") from None
    is_intact = metadata.pop("digest", None) == _digest(tensors, metadata)
    if not is_intact or metadata.keys() != {"run", "code", "torch", "step"}:
        found = "one that was changed after it was written"
        raise ValueError(f"{path}: expected a checkpoint, found {found}")
    if reason := _foreign(metadata, run, code):
        raise ValueError(f"{path}: the checkpoint was made {reason}")
    numbers = [tensor for tensor in tensors.values() if tensor.is_floating_point()]
    if not all(bool(tensor.isfinite().all()) for tensor in numbers):
        raise ValueError(f"{path}: the checkpoint holds values that are not finite")
    _restore(state, tensors, int(metadata["step"]))
    return [tuple(row) for row in tensors["log"].tolist()]


def checkpoint_step(path: Path, run: Run, code: str) -> int:
    """The step from which a training would go on.

    It is 0 where there is no checkpoint, or one of other settings or code.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
        return 0 if _foreign(metadata, run, code) else int(metadata["step"])
    except (OSError, ValueError, KeyError, safetensors.SafetensorError):
        return 0


def _foreign(metadata: Mapping[str, str], run: Run, code: str) -> str:
    """How a checkpoint's settings or code differ from these; empty if they do not."""
    for name, now in (("code", code), ("torch", torch.__version__)):
        if metadata[name] != now:
            return f"by other {name}, {metadata[name]} and not {now}"
    changed = list(differences(json.loads(metadata["run"]), json.loads(json.dumps(run.to_json()))))
    return f"with other settings, {', '.join(changed)}" if changed else ""


def _restore(state: TrainingState, tensors: Mapping[str, Tensor], step: int) -> None:
    state.transformer.load_state_dict(_under("weights.", tensors))
    for place, optimizer in enumerate(state.optimizers):
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(f"optimizer{place}.", tensors).items():
            index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    state.source.set_state(tensors["source"])
    state.step = step
    state.clock.fill_(step)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors[name] for name in names}


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    whole = hashlib.blake2b(json.dumps(metadata, sort_keys=True).encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        whole.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()
