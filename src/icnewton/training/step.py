"""One training step, plainly: draw prompts, answer them, descend the mean squared error.

``fast/`` has short cuts for the first two, each equal to what stands here. ``fast/step.py`` says
when they are taken.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.models.transformer import Transformer
from icnewton.randomness import generator
from icnewton.training.optimizers import optimizers
from icnewton.training.runs import Run

MICRO_BATCH = 1000  # prompts whose activations are kept at once on a CPU

Batch = tuple[Tensor, Tensor]  # tokens (batch, n + 1, inputs) and targets (batch, ...)
Answer = Callable[[Transformer, Tensor], Tensor]  # (batch, 1, outputs) from tokens


@dataclass
class TrainingState:
    """Everything that changes while training; restoring it resumes a run bit for bit.

    rates: ``(steps,)``, the schedule on the device.
    clock: the step on the device, so that a step waits for nothing from the host.
    """

    transformer: Transformer
    optimizers: list[torch.optim.Optimizer]
    source: torch.Generator
    rates: Tensor
    clock: Tensor
    step: int = 0


def start(run: Run, device: str) -> TrainingState:
    """The state before the first step, on ``device``."""
    transformer, recipe = run.transformer().to(device), run.recipe
    shares = [recipe.rate(step) for step in range(recipe.steps)]
    rates = torch.tensor(shares, dtype=torch.float32, device=device)
    source = generator("training", run.layers, run.seed, device=device)
    clock = torch.zeros((), dtype=torch.long, device=device)
    moving = optimizers(transformer, recipe, device)
    return TrainingState(transformer, moving, source, rates, clock)


def draw(run: Run, state: TrainingState) -> Batch:
    """Tokens and targets of the state's step, float32."""
    recipe = run.recipe
    each = recipe.prompts_per_covariance
    prompts = run.sample(recipe.batch // each, each, state.source, torch.float32)
    if recipe.curriculum:
        prompts = recipe.curriculum.apply(prompts, state.step)
    return run.format.tokens(prompts.x, prompts.y), run.taught(prompts, state.source)


def squared_errors(
    run: Run,
    transformer: Transformer,
    tokens: Tensor,
    target: Tensor,
    answer: Answer = Transformer.answer,
) -> Tensor:
    """The squared error of each query's prediction, ``(batch,)``.

    Where the answer is weights, it is the mean of their squared errors.
    """
    error = run.format.read(answer(transformer, tokens)) - target
    return error.square().view(len(target), -1).mean(1)


def gradient(
    run: Run, transformer: Transformer, batch: Batch, answer: Answer = Transformer.answer
) -> Tensor:
    """Set the parameters' gradients to those of the mean squared error and return it, detached.

    On a CPU the batch is cut into micro-batches, whose activations stay within reach.
    """
    parameters, (tokens, target) = list(transformer.parameters()), batch
    size = MICRO_BATCH if tokens.device.type == "cpu" else len(tokens)
    values, gradients = [], []
    for part in zip(tokens.split(size), target.split(size), strict=True):
        errors, share = squared_errors(run, transformer, *part, answer), len(part[1]) / len(target)
        gradients.append(torch.autograd.grad(errors.mean() * share, parameters))
        values.append(errors.detach().mean() * share)
    for parameter, *terms in zip(parameters, *gradients, strict=True):
        parameter.grad = torch.stack(terms).sum(0)
    return torch.stack(values).sum(0)


def descend(run: Run, state: TrainingState) -> Tensor:
    """Clip the gradients and move the parameters; returns the norm before clipping, detached.

    A gradient that is not finite, because a rare prompt overflowed float32, counts as zero.
    """
    parameters = list(state.transformer.parameters())
    norm = torch.nn.utils.clip_grad_norm_(parameters, run.recipe.gradient_clip or math.inf)
    for parameter in parameters:
        parameter.grad = torch.where(norm.isfinite(), parameter.grad, 0.0)  # type: ignore[arg-type]
    rate = state.rates.index_select(0, state.clock.view(1)).squeeze()
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"].copy_(rate * group["peak"])
        optimizer.step()
    state.clock += 1
    state.step += 1
    return norm


def plain_step(run: Run, state: TrainingState) -> tuple[Tensor, Tensor]:
    """One step; returns the mean loss and the gradient norm before clipping."""
    value = gradient(run, state.transformer, draw(run, state))
    return value, descend(run, state)
