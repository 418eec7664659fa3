"""One training step: draw prompts, answer them, descend the mean squared error."""

from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.models.transformer import Transformer
from icnewton.problems.linear import Condition, Prompts, generator
from icnewton.training.fast.forward import answer
from icnewton.training.fast.gram import condense, sample_condensed
from icnewton.training.optimizers import optimizers
from icnewton.training.runs import Run
from icnewton.training.schedule import schedule

MICRO_BATCH = 2000  # prompts whose activations are kept at once on a CPU


@dataclass
class TrainingState:
    """Everything that changes while training; restoring it resumes a run bit for bit.

    rates: ``(steps,)`` the schedule on the device. clock: the step on the device, so that a step
    needs no word from the host.
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
    shares = [schedule(step, recipe.warmup, recipe.steps) for step in range(recipe.steps)]
    rates = torch.tensor(shares, dtype=torch.float32, device=device)
    source = generator("training", run.layers, run.seed, device=device)
    clock = torch.zeros((), dtype=torch.long, device=device)
    return TrainingState(transformer, optimizers(transformer, recipe, device), source, rates, clock)


def draw(run: Run, state: TrainingState) -> tuple[Tensor, Tensor]:
    """Tokens and targets of the state's step, float32; condensed prompts where the transformer sees
    only Gram matrices.
    """
    condition, recipe, trilinear = run.condition, run.recipe, state.transformer.config.is_trilinear
    size = (
        recipe.batch // recipe.prompts_per_covariance,
        recipe.prompts_per_covariance,
        state.source,
        torch.float32,
    )
    if (
        trilinear
        and isinstance(condition, Condition)
        and condition.n > condition.d
        and not recipe.curriculum
    ):
        return sample_condensed(condition, *size)
    prompts = run.sample(*size)
    if recipe.curriculum and isinstance(prompts, Prompts):
        prompts = recipe.curriculum.apply(prompts, state.step)
    tokens = run.format.tokens(prompts.x, prompts.y)
    target = prompts.w if run.family == "softmax_truth" else prompts.target
    return condense(tokens) if trilinear else tokens, target


def squared_errors(run: Run, transformer: Transformer, tokens: Tensor, target: Tensor) -> Tensor:
    """The squared error of each query's prediction, or the mean of those of the weights,
    ``(batch,)``.
    """
    return (
        (run.format.read(answer(transformer, tokens)) - target)
        .square()
        .view(len(target), -1)
        .mean(1)
    )


def gradient(run: Run, transformer: Transformer, tokens: Tensor, target: Tensor) -> Tensor:
    """Set the parameters' gradients to those of the mean squared error and return it, detached.

    On a CPU the batch is cut into micro-batches, whose activations stay within reach.
    """
    parameters = list(transformer.parameters())

    def part(batch: tuple[Tensor, Tensor]) -> list[Tensor]:
        errors, share = squared_errors(run, transformer, *batch), len(batch[1]) / len(target)
        grads = torch.autograd.grad(errors.mean() * share, parameters)
        return [errors.detach().mean() * share, *grads]

    size = MICRO_BATCH if tokens.device.type == "cpu" else len(tokens)
    parts = zip(tokens.split(size), target.split(size), strict=True)
    value, *gradients = [torch.stack(terms).sum(0) for terms in zip(*map(part, parts), strict=True)]
    for parameter, grad in zip(parameters, gradients, strict=True):
        parameter.grad = grad
    return value


def descend(run: Run, state: TrainingState) -> Tensor:
    """Clip the gradients and move the parameters; returns the gradients' norm before clipping,
    detached.

    A gradient that is not finite, because a rare prompt overflowed float32, counts as zero.
    """
    parameters = list(state.transformer.parameters())
    norm = torch.nn.utils.clip_grad_norm_(parameters, run.recipe.gradient_clip)
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


def advance(
    run: Run, state: TrainingState, batch: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """One step, on ``batch`` or on what ``draw`` gives; returns the mean loss and the gradient norm
    before clipping.
    """
    value = gradient(run, state.transformer, *(batch or draw(run, state)))
    return value, descend(run, state)
