"""`make recipes`: loss against seconds of training, recipe by recipe, to studies/recipes.json and
docs/recipes.png.

Every recipe of a panel gets the same seconds on one thread, alone; its number of steps is what
fits, its schedule spans them (warm-up in proportion), so that none is caught in the middle.
Validation is not counted.
"""

import argparse
import copy
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.figures.parts.style import Look, Style, save, styled
from icnewton.files import write_json
from icnewton.problems.linear import LinearCondition, LinearPrompts
from icnewton.problems.logistic import LogisticCondition
from icnewton.problems.parts.condition import Condition
from icnewton.randomness import generator
from icnewton.training.fast.capture import stepper
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run
from icnewton.training.step import start

HERE = Path(__file__).parent
RESULTS, PICTURE = HERE / "recipes.json", HERE.parent / "docs/recipes.png"
POINTS = 16
LINEAR = LinearCondition("normalised", 10, 50, 10.0, 0.0)
LOGISTIC = LogisticCondition("bounded", 5, 26, 10.0, 0.1)
Row = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """A family at a depth; other: what is compared beside ``authors`` and ``fast``, which is
    ``fast`` with these values.
    """

    title: str
    family: str
    layers: int
    condition: Condition
    other: tuple[str, Mapping[str, Any]]

    def runs(self) -> dict[str, Run]:
        """What is compared, by name."""
        name, changes = self.other
        recipes = {
            "authors": Recipe.named("authors", self.family),
            name: Recipe.named("fast", self.family, **changes),
            "fast": Recipe.named("fast", self.family),
        }
        shape = (self.family, self.condition, self.layers, 0)
        return {name: Run(*shape, recipe) for name, recipe in recipes.items()}


MUON = ("fast with Muon", {"matrix_rate": 0.02})
ADAM = ("fast with Adam alone", {"matrix_rate": None})
PANELS = (
    Panel("LSA", "lsa", 4, LINEAR, MUON),
    Panel("LSA + LN", "lsa_ln", 3, LINEAR, ADAM),
    Panel("softmax encoder", "softmax", 4, LOGISTIC, ADAM),
)
LOOKS = (
    Look("authors", "#D55E00", "^", "--"),
    Look("fast with Adam alone", "#56B4E9", "s", "-."),
    Look("fast with Muon", "#009E73", "D", "-."),
    Look("fast", "#0072B2", "o", "-"),
)


def fitted(run: Run, seconds: float) -> Run:
    """The run with as many steps as fit into the seconds, its warm-up and curriculum in
    proportion.
    """
    state = start(run, "cpu")
    step = stepper([run], [state])
    state.step = state.step + run.recipe.steps // 2  # past the curriculum, at full size
    state.clock.fill_(state.step)
    step()
    begun = time.perf_counter()
    for _ in range(5):
        step()
    steps = max(int(seconds / (time.perf_counter() - begun) * 5), 20)
    return replace(run, recipe=scaled(run.recipe, steps))


def scaled(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with another number of steps."""
    share, growth = steps / recipe.steps, recipe.curriculum
    warmup = max(int(recipe.warmup * share), 1)
    decay = recipe.decay_until and max(int(recipe.decay_until * share), 1)
    growth = growth and replace(growth, every=max(int(growth.every * share), 1))
    return replace(recipe, steps=steps, warmup=warmup, decay_until=decay, curriculum=growth)


def validation(run: Run) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, targets and scales of squared errors of 2,048 fresh prompts, float64."""
    prompts = run.sample(128, 16, generator("recipes", "validation"))
    tokens, target = run.format.tokens(prompts.x, prompts.y), prompts.target
    if isinstance(prompts, LinearPrompts):
        return tokens, target, prompts.scale
    return tokens, target, torch.full_like(target[:, 0], target.square().mean().item())


def train(run: Run, seconds: float) -> Iterator[dict[str, float]]:
    """Steps, seconds, mean and median relative squared error at ``POINTS`` moments of a
    training.
    """
    run = fitted(run, seconds)
    state, (tokens, target, scale), spent = start(run, "cpu"), validation(run), 0.0
    step = stepper([run], [state])
    for point in range(1, POINTS + 1):
        begun = time.perf_counter()
        while state.step < run.recipe.steps * point // POINTS:
            step()
        spent += time.perf_counter() - begun
        with torch.no_grad():
            output = run.format.read(copy.deepcopy(state.transformer).double().answer(tokens))
        errors = (output - target).square().view(len(target), -1).mean(1) / scale
        middle = {"mean": errors.mean().item(), "median": errors.median().item()}
        yield {"step": state.step, "seconds": spent} | middle


def draw(rows: list[Row]) -> Figure:
    """Mean and median error against seconds, a column a family."""
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    axes = figure.subplots(2, len(PANELS), sharex=True, squeeze=False)
    drawn: dict[str, Artist] = {}
    for column, panel in zip(axes.T, PANELS, strict=True):
        of_family = [row for row in rows if row["family"] == panel.family]
        for ax, quantity in zip(column, ("mean", "median"), strict=True):
            drawn |= _draw_errors(ax, of_family, quantity)
        column[0].set_title(f"{panel.title}, {panel.layers} layers")
        column[1].set_xlabel("seconds of training")
    axes[0, 0].set_ylabel("mean squared error,\nrelative")
    axes[1, 0].set_ylabel("median squared error,\nrelative")
    place: Style = {"loc": "outside upper center", "ncols": len(drawn)}
    figure.legend(drawn.values(), drawn.keys(), **place)
    return figure


def _draw_errors(ax: Axes, rows: list[Row], quantity: str) -> dict[str, Artist]:
    """A line a recipe, by its label."""
    lines: dict[str, Artist] = {}
    for look in LOOKS:
        seen = [row for row in rows if row["recipe"] == look.label]
        style: Style = {"color": look.colour, "marker": look.marker, "markersize": 4}
        seconds, errors = ([row[key] for row in seen] for key in ("seconds", quantity))
        if seen:
            (lines[look.label],) = ax.semilogy(seconds, errors, look.line, **style)
    return lines


def main() -> None:
    """Train every recipe of every panel."""
    parser = argparse.ArgumentParser(prog="python -m studies.recipes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, for each recipe")
    seconds = parser.parse_args().seconds
    keep_freed_memory()
    torch.set_num_threads(1)
    rows: list[Row] = []
    for panel in PANELS:
        for name, run in panel.runs().items():
            what = {"family": panel.family, "layers": panel.layers, "recipe": name}
            rows += [what | point for point in train(run, seconds)]
            print(json.dumps(rows[-1]), flush=True)
    write_json(RESULTS, rows)
    with styled():
        figure = draw(rows)
    save(figure, {"png": PICTURE})


if __name__ == "__main__":
    main()
