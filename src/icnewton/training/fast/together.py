"""Several models of one shape trained as one, because a single small one cannot fill a GPU.

Weights are stacked, and forward and backward act on the whole stack. Each model keeps its own
prompts, clip, moments and schedule. So it becomes what it would have become alone, up to rounding.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from icnewton.models.transformer import Transformer
from icnewton.training.fast.step import advance, draw, quick_answer
from icnewton.training.runs import Run
from icnewton.training.step import Batch, TrainingState, descend, squared_errors


class _Errors(nn.Module):
    """``squared_errors`` as a module, because stacked weights need a module to go into."""

    def __init__(self, run: Run, transformer: Transformer) -> None:
        super().__init__()
        self.run, self.transformer = run, transformer

    def forward(self, tokens: Tensor, target: Tensor) -> Tensor:
        return squared_errors(self.run, self.transformer, tokens, target, quick_answer)


def stackable(runs: Sequence[Run]) -> bool:
    """Whether runs differ only in kappa, the problem's own values and seed."""
    kinds = [(run.family, run.layers, run.recipe) for run in runs]
    conditions = [run.condition for run in runs]
    sizes = [(c.problem, c.protocol, c.d, c.n) for c in conditions]
    return len(set(kinds)) == len(set(sizes)) == 1


def gradients(
    runs: Sequence[Run], states: Sequence[TrainingState], batches: Sequence[Batch]
) -> Tensor:
    """Set the gradients of all models, as ``step.gradient`` does for one.

    Returns their mean squared errors ``(models,)``.
    """
    modules = [_Errors(run, state.transformer) for run, state in zip(runs, states, strict=True)]
    names = [name for name, _ in modules[0].named_parameters()]
    columns = list(zip(*(module.parameters() for module in modules), strict=True))
    stacked = [_stacked(column) for column in columns]
    tokens, targets = (torch.stack(parts) for parts in zip(*batches, strict=True))

    def errors_of(parameters: dict[str, Tensor], *batch: Tensor) -> Tensor:
        return torch.func.functional_call(modules[0], parameters, batch)

    errors = torch.func.vmap(errors_of)(dict(zip(names, stacked, strict=True)), tokens, targets)
    found = torch.autograd.grad(errors.mean(1).sum(), stacked)
    for column, grads in zip(columns, found, strict=True):
        for parameter, grad in zip(column, grads.contiguous(), strict=True):
            parameter.grad = grad  # in the parameter's own layout, which a fused optimizer needs
    return errors.detach().mean(1)


def _stacked(column: Sequence[Tensor]) -> Tensor:
    return torch.stack([parameter.detach() for parameter in column]).requires_grad_()


def advance_together(
    runs: Sequence[Run], states: Sequence[TrainingState], batches: Sequence[Batch] | None = None
) -> tuple[Tensor, Tensor]:
    """``advance`` for every run; returns the mean losses and the gradient norms, ``(models,)``.

    On a CPU one model fills the processor, so models advance one by one.
    """
    batches = batches or [draw(run, state) for run, state in zip(runs, states, strict=True)]
    if len(runs) == 1 or batches[0][0].device.type == "cpu":
        models = zip(runs, states, batches, strict=True)
        values, norms = zip(*(advance(*model) for model in models), strict=True)
        return torch.stack(values), torch.stack(norms)
    errors = gradients(runs, states, batches)
    return errors, torch.stack([descend(*pair) for pair in zip(runs, states, strict=True)])
