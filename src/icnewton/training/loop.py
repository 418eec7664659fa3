"""A whole training run: resumable at any moment, logged by the true mean loss, ending in a model
with its card.
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
from icnewton.training.fast.fused import compiled
from icnewton.training.fast.together import stackable
from icnewton.training.runs import Run
from icnewton.training.schedule import schedule
from icnewton.training.step import TrainingState, start

RECORDS = 100
LOG_COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "seconds")


class Unfinished(Exception):
    """A training's time was up before its steps were; it goes on from its checkpoint."""


@dataclass
class Training:
    """A run on its way: its state, its log and what has been summed since the last record."""

    run: Run
    state: TrainingState
    log: list[Record]
    checkpoint: Path
    code: str
    sums: torch.Tensor  # of finite losses, of their gradients' norms, and how many
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
        """Close a line of the log and say it, or that no step since the last one had a finite loss."""
        if self.diverged is not None:
            return f"diverged: {self.diverged}"
        loss, norm = (self.sums[:2] / self.sums[2]).tolist()
        if not math.isfinite(loss):
            self.diverged = f"mean loss {loss} in the steps up to {self.state.step}"
            return f"diverged: {self.diverged}"
        recipe = self.run.recipe
        rate = recipe.learning_rate * schedule(self.state.step - 1, recipe.warmup, recipe.steps)
        self.log.append((float(self.state.step), loss, rate, norm, round(seconds, 3)))
        self.sums.zero_()
        return "step {:.0f}  loss {:.4e}  rate {:.2e}  gradient {:.2e}  {:.0f} s".format(
            *self.log[-1]
        )

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
    """Train to the end and return the model and its log, a record (``LOG_COLUMNS``) for every
    hundredth of the run.

    A usable ``checkpoint`` is resumed; one that is damaged, not finite, or of another run or other
    ``code`` (a digest) is refused aloud and training starts over. It is written with the first
    record after every ``checkpoint_seconds`` and at the end. ``loss`` is the mean over every prompt
    since the last record, steps in which it overflowed left out; ``seconds`` counts training alone,
    over all sessions. A run none of whose steps since the last record had a finite loss has
    diverged: it stops there, its card's origin says ``diverged`` with loss and step, its weights
    are the last ones. At the first record after ``deadline`` (of ``time.monotonic``) the checkpoint
    is written and Unfinished raised. Raises ValueError before the first step for a checkpoint that
    cannot be written, and for another device than ``cpu`` or a ``cuda`` that is there.
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
    """``train`` for runs that ``stackable`` calls alike, one step of all at a time; ``seconds`` are
    those of the whole stack.

    Runs whose checkpoints stand at different steps are not stacked with each other; one that
    diverges stops none of the others. Raises ValueError for unlike runs and where ``train`` does,
    and Unfinished at the first record after ``deadline``.
    """
    if not stackable(runs):
        raise ValueError(
            "expected runs that differ in condition and seed alone, found different shapes or recipes"
        )
    if not checkpoint_seconds >= 0:
        raise ValueError(f"checkpoint_seconds: expected at least 0, found {checkpoint_seconds}")
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(
            f"device: expected cpu, or cuda where torch can use a GPU, found {brief(device)}"
        )
    paths = [writable(path) for path in checkpoints]
    trainings = [
        _resume(run, path, code, device, say) for run, path in zip(runs, paths, strict=True)
    ]
    for _, group in groupby(
        sorted(trainings, key=lambda training: training.state.step),
        lambda training: training.state.step,
    ):
        _finish(list(group), checkpoint_seconds, deadline, say)
    return [(_model(training, device), training.log) for training in trainings]


def _finish(
    trainings: list[Training],
    checkpoint_seconds: float,
    deadline: float,
    say: Callable[[str], object],
) -> None:
    """Make the steps that are left of trainings that stand at the same step."""
    first = trainings[0]
    step = stepper(
        [training.run for training in trainings], [training.state for training in trainings]
    )
    elapsed, began, saved = (
        (first.log[-1][4] if first.log else 0.0),
        time.monotonic(),
        time.monotonic(),
    )
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
    origin = {
        "run": run.to_json(),
        "device": torch.cuda.get_device_name() if device == "cuda" else processor(),
        "compiled": compiled() is not None,
        "code": training.code,
        "versions": {name: version(name) for name in ("icnewton", "torch", "numpy")}
        | {"python": platform.python_version()},
        "seconds": log[-1][4] if log else 0.0,
        "final_loss": log[-1][1] if log else None,
        "diverged": training.diverged,
    }
    return assemble(
        run.format,
        training.state.transformer.cpu(),
        family=run.family,
        kind="learned",
        origin=origin,
    )
