"""`python -m studies.batch MODEL ...`: what a larger batch would change in the training of the
paper, to studies/batch.json.

All prompts of a batch share a covariance. So the gradient g of a batch of B prompts is noisy in two
ways,

    E ||g - E g||^2 = between + within / B,

of which only the second falls with B. Both are measured at a model's weights, from gradients f
and s over two halves of the prompts of many covariances. They differ by the noise within, and
E f . s is that between plus the square of the mean. Where the noise between is less than two
standard errors, ratios to it are left out: squared errors have tails so heavy that 512 covariances
need not do.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from icnewton.files import write_json
from icnewton.models.transformer import Transformer
from icnewton.models.weights import load
from icnewton.randomness import generator
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.fast.step import quick_answer
from icnewton.training.runs import Run, parse_run
from icnewton.training.step import gradient

RESULTS = Path(__file__).parent / "batch.json"
COVARIANCES, HALF = 512, 128
BATCHES = (16, 64, 250, 2000)


def halves(run: Run, transformer: Transformer, source: torch.Generator) -> Iterator[Tensor]:
    """Gradients ``(parameters,)``, float64, over two halves of fresh prompts of one covariance."""
    prompts = run.sample(1, 2 * HALF, source, torch.float32)
    tokens, target = run.format.tokens(prompts.x, prompts.y), run.taught(prompts, source)
    for part in zip(tokens.split(HALF), target.split(HALF), strict=True):
        gradient(run, transformer, part, quick_answer)
        grads = [p.grad for p in transformer.parameters() if p.grad is not None]
        yield torch.cat([grad.flatten() for grad in grads]).double()


def noise(run: Run, transformer: Transformer) -> tuple[float, float, float]:
    """The noise between covariances, its standard error, and the noise of a prompt within one."""
    source, total = generator("batch noise", run.layers), torch.zeros(())
    apart, dots = torch.zeros(COVARIANCES), torch.zeros(COVARIANCES, dtype=torch.float64)
    for index in tqdm(range(COVARIANCES), desc=f"{run.layers} layers"):
        first, second = halves(run, transformer, source)
        apart[index], dots[index] = (first - second).square().sum(), first @ second
        total = total + (first + second) / (2 * COVARIANCES)
    within = float(apart.mean()) * HALF / 2
    # the square of an average over all prompts holds its own share of both noises
    mean = float(total.square().sum()) - within / (2 * HALF * COVARIANCES)
    between = (float(dots.mean()) - mean) * COVARIANCES / (COVARIANCES - 1)
    return between, float(dots.std()) / COVARIANCES**0.5, within


def row(name: str, released: Path) -> dict[str, Any]:
    """One model's noise, and what it makes of the noise of batches relative to endless ones."""
    model = load(released / name)
    run = parse_run(model.card.origin["run"])
    run = replace(run, recipe=replace(run.recipe, curriculum=None))
    transformer = model.transformer.requires_grad_()
    between, error, within = noise(run, transformer)
    known = between > 2 * error
    ratios = {f"noise at {B}": round(1 + within / B / between, 4) for B in BATCHES if known}
    return {"model": name, "between": between, "error": error, "within": within, **ratios}


def main() -> None:
    """Measure the models of the command line and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="names of released models")
    parser.add_argument("--released", type=Path, default=Path("released"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    rows = [row(name, options.released) for name in options.models]
    write_json(RESULTS, rows)
    print(*rows, sep="\n")


if __name__ == "__main__":
    main()
