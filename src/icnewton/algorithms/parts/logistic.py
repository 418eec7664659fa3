"""Iterations on the regularised logistic loss, as algorithms."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from torch import Tensor

# at which methods of first order are evaluated
FIRST_ORDER_STEPS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)

if TYPE_CHECKING:
    from icnewton.problems.logistic import LogisticCondition, LogisticPrompts


def weights(
    iterates: Callable[[Tensor, Tensor, float], Iterator[Tensor]],
) -> "Callable[[LogisticPrompts, LogisticCondition], Iterator[Tensor]]":
    """From iterates of x, y and mu to those of prompts, ``(batch, d)`` each."""

    def answers(prompts: "LogisticPrompts", condition: "LogisticCondition") -> Iterator[Tensor]:
        return iterates(prompts.x, prompts.y, condition.mu)

    return answers
