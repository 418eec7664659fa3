"""Runs of the paper's sizes, and the times of their steps."""

import time
from collections.abc import Callable

import torch

from icnewton.problems.linear import LinearCondition
from icnewton.problems.logistic import LogisticCondition
from icnewton.training.fast.capture import EAGER_STEPS
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run

WARM_UP = EAGER_STEPS + 2  # a recorded step is first made eagerly, then recorded
PAUSE = 0.02  # seconds, for the threads of the step before to stop spinning
LINEAR = Recipe(
    width=64, heads=4, head_dim=16, hidden_width=0, mean_attention=True, query_as_key=False, activation_clip=None,
    embedding_gain=1.0, output_gain=0.5, steps=1000, batch=2000, prompts_per_covariance=2000, learning_rate=1e-3,
    matrix_rate=None, matrix_momentum=0.95, warmup=100, betas=(0.9, 0.98), gradient_clip=1.0, curriculum=None,
)  # fmt: skip
ENCODER = Recipe(
    **{**vars(LINEAR), "width": 32, "head_dim": 8, "hidden_width": 128, "query_as_key": True}
)


def make_run(kind: str, layers: int, d: int = 10, n: int = 50, batch: int = 2000) -> Run:
    """A run of the paper's sizes, d and n of the linear half apart; all prompts of a batch share a
    covariance, as in App. D.
    """
    softmax = kind == "softmax"
    condition = (
        LogisticCondition("bounded", 5, 26, 10.0, 0.1)
        if softmax
        else LinearCondition("normalised", d, n, 10.0, 0.0)
    )
    recipe = ENCODER if softmax else LINEAR
    recipe = Recipe(**{**vars(recipe), "batch": batch, "prompts_per_covariance": batch})
    return Run(kind, condition, layers, 0, recipe)  # type: ignore[arg-type]


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
