"""Sampling and training for notebooks, in one call each."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from icnewton.digest import digest
from icnewton.models.families import FAMILIES
from icnewton.models.model import Model
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.parse import parse_condition
from icnewton.problems.parts.prompts import Prompts
from icnewton.randomness import generator
from icnewton.training.loop import train as train_run
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run


def condition_of(
    problem: str, protocol: str, kappa: float, d: int | None, n: int | None, own: dict[str, Any]
) -> Condition:
    """A condition, of the problem's usual sizes unless others are given.

    Raises ValueError in one sentence if the values make none.
    """
    usual = PROBLEMS[problem].sizes
    sizes = {"d": usual[0] if d is None else d, "n": usual[1] if n is None else n}
    return parse_condition(
        {"problem": problem, "protocol": protocol, "kappa": kappa, **sizes, **own}
    )


def sample(
    problem: str = "linear",
    *,
    protocol: str = "normalised",
    kappa: float = 10.0,
    d: int | None = None,
    n: int | None = None,
    prompts: int = 1024,
    seed: int = 0,
    **own: float,
) -> Prompts:
    """Prompts of a problem, float64, each from a covariance of its own.

    ``own`` are values that only this problem's conditions have: ``noise`` (default 0) for linear
    regression, ``mu`` for logistic regression. Raises ValueError in one sentence for wrong values,
    and lists the known names of problems and protocols.
    """
    condition = condition_of(problem, protocol, kappa, d, n, own)
    source = generator("sample", condition, seed)
    return PROBLEMS[problem].sample(condition, prompts, 1, source, torch.float64)


def train(
    family: str = "lsa",
    *,
    layers: int,
    recipe: Recipe | str = "fast",
    problem: str | None = None,
    protocol: str = "normalised",
    kappa: float = 10.0,
    d: int | None = None,
    n: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
    threads: int = 1,
    say: Callable[[str], object] = lambda line: None,
    **own: float,
) -> Model:
    """A model that was trained to the end of its recipe; equal arguments give equal models.

    recipe: one, or the name of one that comes with the package.
    own: as for ``sample``.
    checkpoint: a file from which an interrupted training goes on.
    threads: those that torch uses meanwhile; another number rounds differently.
    say: gets a line for every hundredth of the steps.

    Raises ValueError in one sentence for wrong values.
    """
    condition = condition_of(problem or FAMILIES[family].problem, protocol, kappa, d, n, own)
    chosen = Recipe.named(recipe, family) if isinstance(recipe, str) else recipe
    run = Run(family, condition, layers, seed, chosen)
    code = digest("icnewton.training.loop", *run.modules)
    with tempfile.TemporaryDirectory() as folder, _threads(threads):
        path = Path(folder) / "checkpoint" if checkpoint is None else checkpoint
        return train_run(run, checkpoint=path, code=code, device=device, say=say)[0]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
