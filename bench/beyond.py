"""`make beyond`: what brings trained linear attention nearer to the best polynomial of its depth, to bench/beyond.json.

Every trial is one training of LSA on normalised prompts (kappa 10, no noise) by the recipe ``fast`` but for what its name says:

fast            as it is: float32, 6,000 steps of batch 64
long, wide      four times the steps; four times the batch
double          float64
polished        ``fast``, then 2,000 steps of batch 1,024 in float64, at a tenth of the rate
grown           starts from ``fast`` with one layer less, and a fresh layer at the end
tied            one layer, applied as often as there are layers
built           starts from the built Chebyshev iteration of as many layers, all its weights free, in float64
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from icnewton.constructions import build
from icnewton.constructions.calibration import spectrum
from icnewton.files import write_json
from icnewton.formats import LeastSquaresFormat, RegressionFormat
from icnewton.prompts import Condition, Prompts, generator, sample
from icnewton.schema import read
from icnewton.theory.polynomials import degree, fit
from icnewton.threads import limit_threads
from icnewton.training.engine import TrainingState, advance
from icnewton.training.gram import sample_condensed
from icnewton.training.memory import keep_freed_memory
from icnewton.training.optimizers import optimizers
from icnewton.training.runs import Recipe, Run
from icnewton.training.schedule import schedule
from icnewton.transformer import Transformer

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench/beyond.json"
CONDITION = Condition("normalised", 10, 50, 10.0, 0.0)
FAST = Recipe.parse(read(ROOT / "config.yaml")["recipes"]["fast"]["lsa"])


@dataclass(frozen=True)
class Task:
    """What the training engine asks of a run, so that a transformer of any origin can be trained."""

    family: str
    format: RegressionFormat | LeastSquaresFormat
    recipe: Recipe
    condition: Condition = CONDITION


def trained(transformer: Transformer, recipe: Recipe, seed: int, format: LeastSquaresFormat | None = None) -> Transformer:
    """The transformer after the recipe's steps, in the dtype that it has."""
    rates = torch.tensor([schedule(step, recipe.warmup, recipe.steps) for step in range(recipe.steps)])
    clock = torch.zeros((), dtype=torch.long)
    state = TrainingState(transformer, optimizers(transformer, recipe, "cpu"), generator("beyond", seed), rates, clock)
    task = Task("lsa", format or RegressionFormat(CONDITION.d, recipe.width), recipe)
    for _ in range(recipe.steps):
        if format is None:
            batch = sample_condensed(CONDITION, recipe.batch, 1, state.source, transformer.dtype)
        else:
            prompts = sample(CONDITION, recipe.batch, 1, state.source, transformer.dtype)
            batch = format.tokens(prompts.x, prompts.y), prompts.target
        advance(task, state, batch)
    return transformer


@cache
def fast(layers: int, seed: int) -> Transformer:
    """The recipe as it is."""
    return trained(Run("lsa", CONDITION, layers, seed, FAST).transformer(), FAST, seed)


def longer(layers: int, seed: int) -> Transformer:
    """Four times the steps."""
    recipe = replace(FAST, steps=4 * FAST.steps)
    return trained(Run("lsa", CONDITION, layers, seed, recipe).transformer(), recipe, seed)


def wide(layers: int, seed: int) -> Transformer:
    """Four times the batch."""
    recipe = replace(FAST, batch=4 * FAST.batch)
    return trained(Run("lsa", CONDITION, layers, seed, recipe).transformer(), recipe, seed)


def double(layers: int, seed: int) -> Transformer:
    """In float64."""
    return trained(Run("lsa", CONDITION, layers, seed, FAST).transformer().double(), FAST, seed)


def polished(layers: int, seed: int) -> Transformer:
    """``fast``, then large batches in float64."""
    recipe = replace(FAST, steps=2000, batch=1024, learning_rate=FAST.learning_rate / 10)
    return trained(copy_of(fast(layers, seed)), recipe, seed + 1000)


def grown(layers: int, seed: int) -> Transformer:
    """From ``fast`` with one layer less and a fresh last one."""
    start = Run("lsa", CONDITION, layers, seed, FAST).transformer()
    shorter = fast(layers - 1, seed).state_dict()
    start.load_state_dict(start.state_dict() | shorter)
    return trained(start, FAST, seed)


def tied(layers: int, seed: int) -> Transformer:
    """One layer, applied ``layers`` times."""
    deep = Run("lsa", CONDITION, layers, seed, FAST).transformer()
    looped = Transformer(replace(deep.config, depth=1, loops=layers), torch.float32)
    looped.load_state_dict({name: deep.state_dict()[name] for name in looped.state_dict()})
    return trained(looped, FAST, seed)


def built(layers: int, seed: int) -> tuple[Transformer, LeastSquaresFormat]:
    """The construction takes 3 layers besides one a step; its attention has no 1/n, so that its rates are small."""
    model = build("least_squares", d=10, n=50, steps=layers - 3, step="chebyshev", spectrum=spectrum(CONDITION))
    recipe = replace(FAST, steps=3000, learning_rate=1e-4)
    return trained(model.transformer, recipe, seed, model.format), model.format


def copy_of(transformer: Transformer) -> Transformer:
    """The same weights in float64."""
    double = Transformer(transformer.config, torch.float64)
    double.load_state_dict(transformer.state_dict())
    return double


TRIALS: Mapping[str, tuple[Callable[[int, int], Any], tuple[int, ...]]] = {
    "fast": (fast, (3, 4, 5, 6)),
    "tied": (tied, (3, 4, 5, 6)),
    "grown": (grown, (3, 4, 5)),
    "polished": (polished, (3, 4, 5, 6)),
    "double": (double, (5, 6)),
    "built": (built, (4, 5, 6)),
    "wide": (wide, (3, 4)),
    "long": (longer, (3, 4, 5)),
}


def evaluation() -> Prompts:
    """4,096 prompts of 256 covariances."""
    return sample(CONDITION, 256, 16, generator("beyond", "evaluation"))


@torch.no_grad()
def errors(transformer: Transformer, format: RegressionFormat | LeastSquaresFormat, prompts: Prompts) -> dict[str, float]:
    """Median and mean squared error over tr Sigma, in float64."""
    exact = copy_of(transformer)
    predictions = torch.cat(
        [format.read(exact(format.tokens(x, y))) for x, y in zip(prompts.x.split(64), prompts.y.split(64), strict=True)]
    )
    return summary(predictions, prompts)


def summary(predictions: torch.Tensor, prompts: Prompts) -> dict[str, float]:
    """Median and mean squared error over tr Sigma."""
    squared = (predictions - prompts.target).square() / prompts.scale
    return {"median": squared.median().item(), "mean": squared.mean().item()}


def polynomial(layers: int, prompts: Prompts) -> dict[str, float]:
    """The best fixed polynomial that the layers can express."""
    batches = (sample(CONDITION, 2000, 1, generator("polynomial", CONDITION, i)) for i in range(20))
    return summary(fit(batches, degree(layers), 1.05 * spectrum(CONDITION)[1]).predict(prompts), prompts)


def main() -> None:
    """Run the trials of the command line that no result is there of."""
    parser = argparse.ArgumentParser(prog="python -m bench.beyond", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", nargs="+", default=[*TRIALS], choices=[*TRIALS])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    limit_threads(1)
    keep_freed_memory()
    prompts = evaluation()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for layers in (3, 4):
        results[f"best polynomial {layers}"] = polynomial(layers, prompts)
    for name in options.trials:
        trial, depths = TRIALS[name]
        for layers in depths:
            for seed in range(options.seeds):
                if f"{name} {layers} layers seed {seed}" in results:
                    continue
                begun = time.perf_counter()
                outcome = trial(layers, seed)
                transformer, format = outcome if isinstance(outcome, tuple) else (outcome, RegressionFormat(10, FAST.width))
                found = errors(transformer, format, prompts) | {"seconds": round(time.perf_counter() - begun, 1)}
                results[f"{name} {layers} layers seed {seed}"] = found
                print(name, layers, seed, found, flush=True)
                write_json(RESULTS, results)


if __name__ == "__main__":
    main()
