"""`make beyond`: what brings trained linear attention nearer to the best polynomial of its depth,
to studies/beyond.json.

Every trial is one training of LSA on normalised prompts (kappa 10, no noise) by the recipe ``fast``
but for what its name says:

| trial | what it does |
|---|---|
| fast | the recipe as it is: float32, 6,000 steps of batch 64 |
| long | four times the steps |
| wide | four times the batch |
| double | all in float64 |
| polished | ``fast``, then 2,000 steps of batch 1,024 in float64, at a tenth of the rate |
| grown | starts from ``fast`` with one layer less, and a fresh layer at the end |
| built_1e-5, built_1e-6 | starts from the built Chebyshev iteration, in float64, at these rates |

What is in the file is not measured again: delete it after a change of the recipe. ``seconds``
include a ``fast`` start where the same call had not trained it before.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from pathlib import Path

import torch

from icnewton.constructions import build
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.files import write_json
from icnewton.models.formats import LeastSquaresFormat, RegressionFormat
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.randomness import generator
from icnewton.theory.polynomials import degree, fitting_prompts, polynomial_fits
from icnewton.threads import limit_threads
from icnewton.training.fast.gram import sample_condensed
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.fast.step import advance
from icnewton.training.optimizers import optimizers
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run
from icnewton.training.step import TrainingState

RESULTS = Path(__file__).parent / "beyond.json"
CONDITION = LinearCondition("normalised", 10, 50, 10.0, 0.0)
FAST = Recipe.named("fast", "lsa")

AnyFormat = RegressionFormat | LeastSquaresFormat
Trained = tuple[Transformer, AnyFormat]
Trial = Callable[[int, int], Trained]  # of layers and seed


@dataclass(frozen=True)
class Task:
    """What a training step asks of a run, so that a transformer of any origin can be trained."""

    format: AnyFormat
    recipe: Recipe


def trained(
    transformer: Transformer, recipe: Recipe, seed: int, format: AnyFormat | None = None
) -> Trained:
    """The transformer after the recipe's steps, in its own dtype, and its format: a learned model's
    if none is given.
    """
    condensed, format = format is None, format or RegressionFormat(CONDITION.d, recipe.width)
    shares = [recipe.rate(step) for step in range(recipe.steps)]
    clock, moving = torch.zeros((), dtype=torch.long), optimizers(transformer, recipe, "cpu")
    source = generator("beyond", seed)
    state = TrainingState(transformer, moving, source, torch.tensor(shares), clock)
    task = Task(format, recipe)
    for _ in range(recipe.steps):
        if condensed:
            batch = sample_condensed(CONDITION, recipe.batch, 1, state.source, transformer.dtype)
        else:
            prompts = sample(CONDITION, recipe.batch, 1, state.source, transformer.dtype)
            batch = format.tokens(prompts.x, prompts.y), prompts.target
        advance(task, state, batch)
    return transformer, format


def started(layers: int, seed: int) -> Transformer:
    """The transformer of a run at its initialisation."""
    return Run("lsa", CONDITION, layers, seed, FAST).transformer()


@cache
def fast(layers: int, seed: int) -> Trained:
    """The recipe as it is."""
    return trained(started(layers, seed), FAST, seed)


def longer(layers: int, seed: int) -> Trained:
    """Four times the steps."""
    return trained(started(layers, seed), replace(FAST, steps=4 * FAST.steps), seed)


def wide(layers: int, seed: int) -> Trained:
    """Four times the batch."""
    return trained(started(layers, seed), replace(FAST, batch=4 * FAST.batch), seed)


def double(layers: int, seed: int) -> Trained:
    """In float64."""
    return trained(started(layers, seed).double(), FAST, seed)


def polished(layers: int, seed: int) -> Trained:
    """``fast``, then large batches in float64."""
    rate = FAST.learning_rate / 10
    recipe = replace(FAST, steps=FAST.steps // 3, batch=1024, learning_rate=rate)
    return trained(in_double(fast(layers, seed)[0]), recipe, seed + 1000)


def grown(layers: int, seed: int) -> Trained:
    """From ``fast`` with one layer less and a fresh last one."""
    start = started(layers, seed)
    shorter = fast(layers - 1, seed)[0].state_dict()
    start.load_state_dict(start.state_dict() | shorter)
    return trained(start, FAST, seed)


def built(layers: int, seed: int, rate: float) -> Trained:
    """The construction takes 3 layers besides one a step; its attention has no 1/n, so that its
    rates are small.
    """
    sizes = {"d": CONDITION.d, "n": CONDITION.n, "steps": layers - 3}
    spectrum = spectrum_of(CONDITION)
    model = build("least_squares", **sizes, step="chebyshev", spectrum=spectrum)
    recipe = replace(FAST, steps=FAST.steps // 2, learning_rate=rate)
    return trained(model.transformer.requires_grad_(), recipe, seed, model.format)


def in_double(transformer: Transformer) -> Transformer:
    """The same weights in float64."""
    double = Transformer(transformer.config, torch.float64)
    double.load_state_dict(transformer.state_dict())
    return double


TRIALS: Mapping[str, tuple[Trial, tuple[int, ...]]] = {
    "fast": (fast, (3, 4, 5, 6)),
    "grown": (grown, (3, 4, 5)),
    "polished": (polished, (3, 4, 5, 6)),
    "double": (double, (5, 6, 8)),
    "built_1e-5": (partial(built, rate=1e-5), (4, 5, 6)),
    "built_1e-6": (partial(built, rate=1e-6), (4, 5, 6)),
    "wide": (wide, (3, 4)),
    "long": (longer, (3, 4, 5)),
}


def evaluation() -> LinearPrompts:
    """4,096 prompts of 256 covariances."""
    return sample(CONDITION, 256, 16, generator("beyond", "evaluation"))


@torch.no_grad()
def errors(transformer: Transformer, format: AnyFormat, prompts: LinearPrompts) -> dict[str, float]:
    """Median and mean squared error over tr Sigma, in float64."""
    exact, answers = in_double(transformer), []
    for x, y in zip(prompts.x.split(64), prompts.y.split(64), strict=True):
        answers.append(format.read(exact(format.tokens(x, y))))
    return summary(torch.cat(answers), prompts)


def outcome(trial: Trial, layers: int, seed: int, prompts: LinearPrompts) -> dict[str, float]:
    """The errors of a trial's model."""
    return errors(*trial(layers, seed), prompts)


def summary(predictions: torch.Tensor, prompts: LinearPrompts) -> dict[str, float]:
    """Median and mean squared error over tr Sigma."""
    squared = (predictions - prompts.target).square() / prompts.scale
    return {"median": squared.median().item(), "mean": squared.mean().item()}


def polynomial(layers: int, prompts: LinearPrompts) -> dict[str, float]:
    """The best fixed polynomial of the layers' degree."""
    fits = polynomial_fits(degree(layers), spectrum_of(CONDITION)[1])
    for index, batch in enumerate(fitting_prompts(CONDITION, 40000)):
        fits.add(index, batch)
    return summary(fits.predict(prompts, degree(layers) + 1), prompts)


def keep(results: Path, name: str, measure: Callable[[], dict[str, float]]) -> None:
    """Add a measurement and its seconds to a file of results, unless it is there."""
    if name in known(results):
        return
    begun = time.perf_counter()
    found = measure() | {"seconds": round(time.perf_counter() - begun, 1)}
    write_json(results, known(results) | {name: found})
    print(name, found, flush=True)


def known(results: Path) -> dict[str, dict[str, float]]:
    """What was measured so far."""
    return json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}


def main() -> None:
    """Run the trials of the command line that no result is there of."""
    words = (__doc__ or "").partition("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m studies.beyond", description=words)
    parser.add_argument("--trials", nargs="+", default=[*TRIALS], choices=[*TRIALS])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    limit_threads(1)
    keep_freed_memory()
    prompts = evaluation()
    for layers in (3, 4):
        keep(RESULTS, f"best polynomial {layers}", partial(polynomial, layers, prompts))
    for name in options.trials:
        trial, depths = TRIALS[name]
        for layers, seed in product(depths, range(options.seeds)):
            measure = partial(outcome, trial, layers, seed, prompts)
            keep(RESULTS, f"{name} {layers} layers seed {seed}", measure)


if __name__ == "__main__":
    main()
