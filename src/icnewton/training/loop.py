"""A whole training run, which ends in a model with its card.

It can be resumed at any moment. Its log records the true mean loss.
"""

import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import torch
from tqdm import tqdm

from icnewton.devices import processor
from icnewton.files import brief
from icnewton.models.model import Model, assemble
from icnewton.training.checkpoint import Record, load_checkpoint, save_checkpoint, writable
from icnewton.training.fast.capture import stepper
from icnewton.training.fast.kernel import compiled
from icnewton.training.fast.together import stackable
from icnewton.training.runs import Run
from icnewton.training.step import TrainingState, start

RECORDS = 100
LOG_COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "seconds")


class Unfinished(Exception):
    """The time of a training was up before its steps; it goes on from its checkpoint."""


@dataclass
class Training:
    """A run in progress: its state, its log and the sums since the last record."""

    run: Run
    state: TrainingState
    log: list[Record]
    checkpoint: Path
    code: str
    sums: torch.Tensor  # of finite losses and of their gradients' norms, and their number
    diverged: str | None = None  # in words, once no step of a record had a finite loss

    @property
    def every(self) -> int:
        """Steps from record to record."""
        return max(self.run.recipe.steps // RECORDS, 1)

    @property
    def due(self) -> bool:
        """Whether the last step calls for a record."""
        return self.state.step % self.every == 0 or self.state.step >= self.run.recipe.steps

    @property
    def finished(self) -> bool:
        """Whether all steps are made, or none more can be."""
        return self.state.step >= self.run.recipe.steps or self.diverged is not None

    def count(self, loss: torch.Tensor, norm: torch.Tensor) -> None:
        """Add a step's loss and gradient norm, unless they overflowed."""
        finite = loss.isfinite() & norm.isfinite()
        self.sums += torch.stack([loss, norm, torch.ones_like(loss)]).where(finite, 0.0)

    def record(self, seconds: float) -> str:
        """Close a line of the log and return it in words.

        If no step since the last record had a finite loss, the words say that the run diverged.
        """
        if self.diverged is not None:
            return f"diverged: {self.diverged}"
        loss, norm = (self.sums[:2] / self.sums[2]).tolist()
        if not math.isfinite(loss):
            self.diverged = f"mean loss {loss} in the steps up to {self.state.step}"
            return f"diverged: {self.diverged}"
        recipe = self.run.recipe
        rate = recipe.learning_rate * recipe.rate(self.state.step - 1)
        self.log.append((float(self.state.step), loss, rate, norm, round(seconds, 3)))
        self.sums.zero_()
        words = "step {:.0f}  loss {:.4e}  rate {:.2e}  gradient {:.2e}  {:.0f} s"
        return words.format(*self.log[-1])

    def save(self) -> None:
        """Write the checkpoint, unless nothing could go on from it."""
        if self.diverged is None:
            save_checkpoint(self.checkpoint, self.state, self.log, self.run, self.code)


def train(
    run: Run,
    *,
    checkpoint: str | Path,
    code: str,
    device: str = "cpu",
    checkpoint_seconds: float = 30.0,
    deadline: float = math.inf,
    say: Callable[[str], object] = print,
) -> tuple[Model, list[Record]]:
    """Train to the end; returns the model and its log.

    The log has a record (``LOG_COLUMNS``) for every hundredth of the run. ``loss`` is the mean over
    every prompt since the last record, without steps in which it overflowed; ``seconds`` counts
    training alone, over all sessions.

    A usable ``checkpoint`` is resumed. One that is damaged, not finite, or of another run or other
    ``code`` (a digest) is refused in a message, and training starts over. The checkpoint is written
    with the first record after every ``checkpoint_seconds`` and at the end.

    A run has diverged if no step since the last record had a finite loss. It stops there: its
    card's origin says ``diverged`` with loss and step, and its weights are the last ones.

    At the first record after ``deadline`` (of ``time.monotonic``) the checkpoint is written and
    Unfinished raised. Raises ValueError before the first step for a checkpoint that cannot be
    written, and for a device other than ``cpu`` or an available ``cuda``.
    """
    return train_together(
        [run],
        checkpoints=[checkpoint],
        code=code,
        device=device,
        checkpoint_seconds=checkpoint_seconds,
        deadline=deadline,
        say=say,
    )[0]


def train_together(
    runs: Sequence[Run],
    *,
    checkpoints: Sequence[str | Path],
    code: str,
    device: str = "cpu",
    checkpoint_seconds: float = 30.0,
    deadline: float = math.inf,
    say: Callable[[str], object] = print,
) -> list[tuple[Model, list[Record]]]:
    """``train`` for runs that ``stackable`` calls alike, one step of all at a time.

    ``seconds`` are those of the whole stack. Runs whose checkpoints stand at different steps are
    not stacked with each other. A run that diverges stops none of the others. Raises ValueError
    for unlike runs and where ``train`` does, and Unfinished at the first record after ``deadline``.
    """
    if not stackable(runs):
        expected = "runs that differ in condition and seed alone"
        raise ValueError(f"expected {expected}, found different shapes or recipes")
    if not checkpoint_seconds >= 0:
        raise ValueError(f"checkpoint_seconds: expected at least 0, found {checkpoint_seconds}")
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        expected = "cpu, or cuda where torch can use a GPU"
        raise ValueError(f"device: expected {expected}, found {brief(device)}")
    paths = [writable(path) for path in checkpoints]
    pairs = zip(runs, paths, strict=True)
    trainings = [_resume(run, path, code, device, say) for run, path in pairs]

    def position(training: Training) -> int:
        return training.state.step

    for _, group in groupby(sorted(trainings, key=position), position):
        _finish(list(group), checkpoint_seconds, deadline, say)
    return [(_model(training, device), training.log) for training in trainings]


def _finish(
    trainings: list[Training],
    checkpoint_seconds: float,
    deadline: float,
    say: Callable[[str], object],
) -> None:
    """Make the remaining steps of trainings that stand at the same step."""
    first = trainings[0]
    runs, states = [training.run for training in trainings], [each.state for each in trainings]
    step = stepper(runs, states)
    elapsed = first.log[-1][4] if first.log else 0.0
    began = saved = time.monotonic()
    steps, name = first.run.recipe.steps, _name(first.run)
    with tqdm(
        total=steps, initial=first.state.step, desc=name, unit="step", disable=None, leave=False
    ) as bar:
        while not all(training.finished for training in trainings):
            for training, loss, norm in zip(trainings, *step(), strict=True):
                training.count(loss, norm)
            bar.update()
            if not first.due:
                continue
            lines = [training.record(elapsed + time.monotonic() - began) for training in trainings]
            now, finished = time.monotonic(), all(training.finished for training in trainings)
            if finished or now >= min(saved + checkpoint_seconds, deadline):
                for training in trainings:
                    training.save()
                saved = time.monotonic()
            for line in lines:
                say(line)
            if now >= deadline and not finished:
                raise Unfinished(f"{name}: stopped at step {first.state.step} of {steps}")


def _resume(
    run: Run, checkpoint: Path, code: str, device: str, say: Callable[[str], object]
) -> Training:
    def fresh() -> Training:
        sums = torch.zeros(3, dtype=torch.float64, device=device)
        return Training(run, start(run, device), [], checkpoint, code, sums)

    training = fresh()
    if not checkpoint.exists():
        return training
    try:
        training.log = load_checkpoint(checkpoint, training.state, run, code)
    except ValueError as error:
        say(f"starting over: {error}")
        return fresh()
    say(f"resuming from step {training.state.step}")
    return training


def _name(run: Run) -> str:
    return f"{run.family} {run.layers} layers, kappa {run.condition.kappa:g}, seed {run.seed}"


def _model(training: Training, device: str) -> Model:
    run, log = training.run, training.log
    versions = {name: version(name) for name in ("icnewton", "torch", "numpy")}
    origin = {
        "run": run.to_json(),
        "device": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "compiled": compiled() is not None,
        "code": training.code,
        "versions": versions | {"python": platform.python_version()},
        "seconds": log[-1][4] if log else 0.0,
        "final_loss": log[-1][1] if log else None,
        "diverged": training.diverged,
    }
    transformer = training.state.transformer.cpu()
    return assemble(run.format, transformer, family=run.family, kind="learned", origin=origin)
