"""`make train-released MINUTES=25`: train what released/ lacks of the paper's grid.

The cheapest models come first. Each training goes on from its checkpoint in the next call. Several
calls at once share the work if they share the folder. Models from other machines are merged by
copying their folders.
"""

import argparse
import math
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from snakemake.utils import available_cpu_count

from icnewton.devices import resolve
from icnewton.files import brief, try_lock
from icnewton.models.weights import CARD, save
from icnewton.pipeline.complaints import check
from icnewton.pipeline.released import RELEASED, Supply, find, work
from icnewton.pipeline.schema import merged
from icnewton.threads import limit_threads
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.fast.together import stackable
from icnewton.training.loop import Unfinished, train_together
from icnewton.training.runs import Run
from workflow.status import training_code

Stack = Mapping[str, Run]  # trained together
CHECKPOINTS = Path("results/released")
LARGEST_STACK = 8


def usable(device: str) -> str:
    """``cpu`` or ``cuda``; raises ValueError if that is a GPU and there is none."""
    device = resolve(device)
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device: expected a GPU that torch can use, found none")
    return device


def minutes(text: str) -> float:
    """A time in minutes; raises ValueError if it is none."""
    with suppress(ValueError):
        if math.isfinite(value := float(text)) and value >= 0:
            return value
    raise ValueError(f"MINUTES: expected a number, at least 0, found {brief(repr(text))}")


def stacks(runs: Mapping[str, Run], together: bool) -> Iterator[Stack]:
    """Runs, the cheapest first; if ``together``, alike ones in stacks, which fill a GPU."""
    cheapest = sorted(runs, key=lambda name: work(runs[name]))
    if not together:
        yield from ({name: runs[name]} for name in cheapest)
        return

    def alike(first: str) -> tuple[str, ...]:
        return tuple(name for name in cheapest if stackable([runs[name], runs[first]]))

    for names in dict.fromkeys(map(alike, cheapest)):
        for start in range(0, len(names), LARGEST_STACK):
            yield {name: runs[name] for name in names[start : start + LARGEST_STACK]}


def train_stack(stack: Stack, device: str, deadline: float) -> tuple[str, bool]:
    """Train a stack into released/; returns what came of it, and whether it failed.

    Models that another process is training are left to it. deadline: of ``time.time``, which
    processes share.
    """
    if time.time() >= deadline:
        return "", False
    limit_threads(1)
    keep_freed_memory()
    with ExitStack() as held:
        locks = {name: try_lock(CHECKPOINTS / f"{name}.lock") for name in stack}
        for lock in filter(None, locks.values()):
            held.enter_context(lock)
        try:
            ours = [name for name in stack if locks[name] and find(name, stack[name]) is None]
            mine = {name: stack[name] for name in ours}
            left = deadline - time.time()
            return _train(mine, device, time.monotonic() + left) if mine else "", False
        # what stops one stack, such as too little memory, need not stop the others
        except Exception as error:
            return f"{', '.join(stack)}: {error}", not isinstance(error, Unfinished)


def _train(stack: Stack, device: str, deadline: float) -> str:
    checkpoints = [CHECKPOINTS / f"{name}.safetensors" for name in stack]
    code = training_code(next(iter(stack.values())))
    options = {"checkpoints": checkpoints, "code": code, "device": device, "deadline": deadline}
    results = train_together([*stack.values()], **options, say=_refusals)
    lines = []
    for name, (model, _), checkpoint in zip(stack, results, checkpoints, strict=True):
        save(model, RELEASED / name)
        checkpoint.unlink(missing_ok=True)
        lines.append(f"{name}: {_outcome(model.card.origin)}")
    return "\n".join(lines)


def _refusals(line: str) -> None:
    """Say why a checkpoint is not used, and nothing else."""
    if line.startswith("starting over"):
        print(line, flush=True)


def _outcome(origin: Mapping[str, object]) -> str:
    if origin["diverged"]:
        return str(origin["diverged"])
    return f"loss {origin['final_loss']:.3g} in {origin['seconds']:.0f} s"


def released_runs() -> dict[str, Run]:
    """Every model that released/ should hold, by name: those of the paper's scale."""
    return check(merged("paper")).runs


def train_missing(todo: Sequence[Stack], device: str, minutes: float) -> int:
    """Train one stack after another; returns how many failed.

    One is trained at a time on a GPU, or on each core of a processor.
    """
    task = partial(train_stack, device=device, deadline=time.time() + 60 * minutes)
    workers = 1 if device == "cuda" else available_cpu_count()
    # workers ignore interruptions; this process ends them, and they have checkpoints
    with get_context("spawn").Pool(workers, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        failures = 0
        for said, failed in pool.imap_unordered(task, todo):
            if said:
                print(said, flush=True)
            failures += failed
    return failures


def main() -> None:
    """Train for the minutes of the command line, and print how many models are still missing."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow.train_released", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--minutes", default="25")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    options = parser.parse_args()
    try:
        device, time_left = usable(options.device), minutes(options.minutes)
        runs = released_runs()
        missing = Supply.of(runs, "none", device).missing
        if others := [name for name in missing if (RELEASED / name / CARD).exists()]:
            words = "expected the settings of the scale paper, found others; move it away first"
            raise ValueError(f"{RELEASED}/{others[0]}: {words}")
        failures, todo = 0, [*stacks(missing, together=device == "cuda")]
        with suppress(KeyboardInterrupt):
            failures = train_missing(todo, device, time_left)
        missing = Supply.of(runs, "none", device).missing
    except ValueError as error:
        sys.exit(str(error))
    released = len(runs) - len(missing)
    print(f"{released} of {len(runs)} models are released, {len(missing)} are missing")
    print("`make reproduce SCALE=paper released` evaluates them and lists them in docs/")
    sys.exit(f"{failures} stacks failed" if failures else 0)


if __name__ == "__main__":
    main()
