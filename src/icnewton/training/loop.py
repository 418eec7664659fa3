"""A whole training run: resumable at any moment, logged by the true mean loss, ending in a model with its card."""

import math
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from tqdm import tqdm

from icnewton.models import Model, assemble
from icnewton.training.capture import stepper
from icnewton.training.checkpoint import Record, load_checkpoint, save_checkpoint
from icnewton.training.engine import TrainingState, start
from icnewton.training.runs import Run
from icnewton.training.schedule import schedule

RECORDS = 100
LOG_COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "seconds")


class Diverged(RuntimeError):
    """The loss stopped being a number; the message says at which step."""


def train(
    run: Run,
    *,
    checkpoint: Path,
    code: str,
    device: str = "cpu",
    checkpoint_seconds: float = 30.0,
    say: Callable[[str], object] = print,
) -> tuple[Model, list[Record]]:
    """Train to the end and return the model and its log, a record (``LOG_COLUMNS``) for every hundredth of the run.

    A usable ``checkpoint`` is resumed; one that is damaged, not finite, or of another run or other ``code`` (a digest) is
    refused aloud and training starts over. It is written with the first record after every ``checkpoint_seconds`` and at
    the end. ``loss`` is the mean over every prompt since the last record, steps in which it overflowed left out; ``seconds``
    counts training alone, over all sessions. Raises Diverged when no step since the last record had a finite loss.
    """
    identity = f"{code} {run}"
    state, log = _resume(run, checkpoint, identity, device, say)
    step, every = stepper(run, state), max(run.recipe.steps // RECORDS, 1)
    elapsed, began, saved = (log[-1][4] if log else 0.0), time.monotonic(), time.monotonic()
    sums = torch.zeros(3, dtype=torch.float64, device=device)  # of finite losses, their gradients' norms, and their number
    bar = tqdm(total=run.recipe.steps, initial=state.step, desc=_name(run), unit="step", disable=None, leave=False)
    while state.step < run.recipe.steps:
        loss, norm = step()
        sums += torch.stack([loss, norm, torch.ones_like(loss)]).where(loss.isfinite() & norm.isfinite(), 0.0)
        bar.update()
        if state.step % every and state.step < run.recipe.steps:
            continue
        log.append(_record(run, state, sums[:2] / sums[2], elapsed + time.monotonic() - began))
        sums.zero_()
        if time.monotonic() - saved >= checkpoint_seconds or state.step == run.recipe.steps:
            save_checkpoint(checkpoint, state, log, identity)
            saved = time.monotonic()
        say("step {:.0f}  loss {:.4e}  rate {:.2e}  gradient {:.2e}  {:.0f} s".format(*log[-1]))
    bar.close()
    return _model(run, state, log, code, device), log


def _resume(
    run: Run, checkpoint: Path, identity: str, device: str, say: Callable[[str], object]
) -> tuple[TrainingState, list[Record]]:
    state = start(run, device)
    if not checkpoint.exists():
        return state, []
    try:
        log = load_checkpoint(checkpoint, state, identity)
    except (ValueError, RuntimeError, KeyError) as error:
        say(f"starting over: {error}")
        return start(run, device), []
    say(f"resuming from step {state.step}")
    return state, log


def _record(run: Run, state: TrainingState, means: torch.Tensor, seconds: float) -> Record:
    mean_loss, mean_norm = means.tolist()
    if not math.isfinite(mean_loss):
        raise Diverged(f"{_name(run)} diverged: mean loss {mean_loss} in the steps up to {state.step}")
    recipe = run.recipe
    rate = recipe.learning_rate * schedule(state.step - 1, recipe.warmup, recipe.steps)
    return float(state.step), mean_loss, rate, mean_norm, round(seconds, 3)


def _name(run: Run) -> str:
    return f"{run.family} {run.layers} layers, kappa {run.condition.kappa:g}, seed {run.seed}"


def _model(run: Run, state: TrainingState, log: list[Record], code: str, device: str) -> Model:
    origin = {
        "run": run.to_json(),
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "code": code,
        "versions": {name: version(name) for name in ("icnewton", "torch", "numpy")} | {"python": platform.python_version()},
        "seconds": log[-1][4] if log else 0.0,
        "final_loss": log[-1][1] if log else None,
    }
    return assemble(run.format, state.transformer.cpu(), family=run.family, kind="learned", origin=origin)
