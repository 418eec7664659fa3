"""`make recipes`: loss against seconds of training, recipe by recipe, to bench/recipes.json and
docs/recipes.png.

Every recipe of a panel gets the same seconds on one thread, alone; its number of steps is what
fits, its schedule spans them (warm-up in proportion), so that none is caught in the middle.
Validation is not counted.
"""

import argparse
import copy
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import yaml

from icnewton.figures.parts.style import plt, styled
from icnewton.files import write_json
from icnewton.problems.linear import LinearCondition, LinearPrompts
from icnewton.problems.logistic import LogisticCondition
from icnewton.randomness import generator
from icnewton.training.fast.capture import stepper
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run
from icnewton.training.step import start

ROOT = Path(__file__).parent.parent
POINTS = 16
LINEAR, LOGISTIC = (
    LinearCondition("normalised", 10, 50, 10.0, 0.0),
    LogisticCondition("bounded", 5, 26, 10.0, 0.1),
)
ADAM: dict[str, Any] = {"matrix_rate": None}
MUON: dict[str, Any] = {"matrix_rate": 0.02}
# family, layers, condition, and what is compared: name -> recipe of config.yaml, values that
# replace its own
PANELS: list[
    tuple[str, int, LinearCondition | LogisticCondition, dict[str, tuple[str, dict[str, Any]]]]
] = [
    (
        "lsa",
        4,
        LINEAR,
        {"paper": ("paper", {}), "fast with Muon": ("fast", MUON), "fast": ("fast", {})},
    ),
    (
        "lsa_ln",
        3,
        LINEAR,
        {"paper": ("paper", {}), "fast with Adam alone": ("fast", ADAM), "fast": ("fast", {})},
    ),
    (
        "softmax",
        4,
        LOGISTIC,
        {"paper": ("paper", {}), "fast with Adam alone": ("fast", ADAM), "fast": ("fast", {})},
    ),
]
TITLES = {"lsa": "LSA", "lsa_ln": "LSA + LN", "softmax": "softmax encoder"}
LOOKS = {
    "paper": ("#D55E00", "^", "--"),
    "fast with Adam alone": ("#56B4E9", "s", "-."),
    "fast with Muon": ("#009E73", "D", "-."),
    "fast": ("#0072B2", "o", "-"),
}


def fitted(run: Run, seconds: float) -> Run:
    """The run with as many steps as fit into the seconds, its warm-up and curriculum in proportion."""
    state = start(run, "cpu")
    step = stepper([run], [state])
    state.step = state.step + run.recipe.steps // 2  # past the curriculum, at full size
    state.clock.fill_(state.step)
    step()
    begun = time.perf_counter()
    for _ in range(5):
        step()
    steps = max(int(seconds / (time.perf_counter() - begun) * 5), 20)
    recipe, share = run.recipe, steps / run.recipe.steps
    curriculum = recipe.curriculum and replace(
        recipe.curriculum, every=max(int(recipe.curriculum.every * share), 1)
    )
    return replace(
        run,
        recipe=replace(
            recipe, steps=steps, warmup=max(int(recipe.warmup * share), 1), curriculum=curriculum
        ),
    )


def validation(run: Run) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens, targets and scales of squared errors of 2,048 fresh prompts, float64."""
    source = generator("recipes", "validation")
    prompts = run.sample(128, 16, source)
    tokens, target = run.format.tokens(prompts.x, prompts.y), prompts.target
    mean = target.square().mean().item()
    return (
        tokens,
        target,
        prompts.scale
        if isinstance(prompts, LinearPrompts)
        else torch.full_like(target[:, 0], mean),
    )


def train(run: Run, seconds: float) -> Iterator[dict[str, float]]:
    """Steps, seconds, mean and median relative squared error at ``POINTS`` moments of a training."""
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
        yield {
            "step": state.step,
            "seconds": spent,
            "mean": errors.mean().item(),
            "median": errors.median().item(),
        }


def draw(rows: list[dict[str, Any]], picture: Path) -> None:
    """Mean and median error against seconds, a column a family."""
    with styled():
        figure, panels = plt.subplots(
            2, len(PANELS), figsize=(11, 5.6), sharex=True, layout="constrained"
        )
        for column, (family, layers, *_) in enumerate(PANELS):
            for name, (colour, marker, line) in LOOKS.items():
                seen = [row for row in rows if row["family"] == family and row["recipe"] == name]
                if not seen:
                    continue
                for row, quantity in enumerate(("mean", "median")):
                    panels[row, column].semilogy(
                        *([r[key] for r in seen] for key in ("seconds", quantity)),
                        color=colour, marker=marker, linestyle=line, markersize=4, label=name,
                    )  # fmt: skip
            panels[0, column].set_title(f"{TITLES[family]}, {layers} layers")
            panels[1, column].set_xlabel("seconds of training")
        panels[0, 0].set_ylabel("mean squared error,\nrelative")
        panels[1, 0].set_ylabel("median squared error,\nrelative")
        handles = {
            label: h
            for panel in panels[0]
            for h, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            handles.values(), handles.keys(), loc="outside upper center", ncols=len(handles)
        )
        figure.savefig(picture)
        plt.close(figure)


def main() -> None:
    """Train every recipe of every panel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, for each recipe")
    seconds = parser.parse_args().seconds
    keep_freed_memory()
    torch.set_num_threads(1)
    recipes = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["recipes"]
    rows: list[dict[str, Any]] = []
    for family, layers, condition, compared in PANELS:
        for name, (recipe, values) in compared.items():
            run = Run(
                family, condition, layers, 0, Recipe.parse({**recipes[recipe][family], **values})
            )  # type: ignore[arg-type]
            rows += [
                {"family": family, "layers": layers, "recipe": name, **point}
                for point in train(run, seconds)
            ]
            print(json.dumps(rows[-1]), flush=True)
    write_json(ROOT / "bench" / "recipes.json", rows)
    draw(rows, ROOT / "docs" / "recipes.png")


if __name__ == "__main__":
    main()
