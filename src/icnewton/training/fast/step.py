"""The step of ``training/step.py`` by short cuts, each taken where its assumption holds.

| short cut | assumes | otherwise |
|---|---|---|
| prompts as Gram matrices (``gram.py``) | a model that sees no more of them | tokens |
| Gram matrices drawn as such (``gram.py``) | linear regression, Gaussian examples, n > d | made |
| less arithmetic for the same answer (``forward.py``) | ``Transformer`` itself | its ``answer`` |
"""

import torch
from torch import Tensor

from icnewton.models.gram import condense, sees_gram_matrix_alone
from icnewton.models.transformer import Transformer
from icnewton.training.fast.forward import answer
from icnewton.training.fast.gram import is_drawn_condensed, sample_condensed
from icnewton.training.runs import Run
from icnewton.training.step import Batch, TrainingState, descend, gradient
from icnewton.training.step import draw as draw_plainly


def draw(run: Run, state: TrainingState) -> Batch:
    """What ``step.draw`` gives, in distribution; condensed where the model cannot tell."""
    if not sees_gram_matrix_alone(state.transformer):
        return draw_plainly(run, state)
    if is_drawn_condensed(run):
        each = run.recipe.prompts_per_covariance
        size = (run.recipe.batch // each, each)
        return sample_condensed(run.condition, *size, state.source, torch.float32)
    tokens, target = draw_plainly(run, state)
    return condense(tokens), target


def quick_answer(transformer: Transformer, tokens: Tensor) -> Tensor:
    """``transformer.answer(tokens)``, with less arithmetic where the class is known."""
    known = type(transformer) is Transformer
    return answer(transformer, tokens) if known else transformer.answer(tokens)


def advance(run: Run, state: TrainingState, batch: Batch | None = None) -> tuple[Tensor, Tensor]:
    """One step, on ``batch`` or on what ``draw`` gives.

    Returns the mean loss and the gradient norm before clipping.
    """
    value = gradient(run, state.transformer, batch or draw(run, state), quick_answer)
    return value, descend(run, state)
