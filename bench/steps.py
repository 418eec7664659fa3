"""The times of training steps."""

import time
from collections.abc import Callable

import torch

from icnewton.training.fast.capture import EAGER_STEPS

WARM_UP = EAGER_STEPS + 2  # a recorded step is first made eagerly, then recorded
PAUSE = 0.02  # seconds, for the threads of the step before to stop spinning


def alternate(steps: list[Callable[[], object]], rounds: int, device: str) -> list[list[float]]:
    """Milliseconds of each step in each of ``rounds``, timed in turn, after warm-ups."""
    times: list[list[float]] = [[] for _ in steps]
    warm_up = WARM_UP if device == "cuda" else 1
    for _ in range(rounds + warm_up):
        for step, seen in zip(steps, times, strict=True):
            time.sleep(PAUSE)
            begun = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            seen.append(1e3 * (time.perf_counter() - begun))
    return [seen[warm_up:] for seen in times]
