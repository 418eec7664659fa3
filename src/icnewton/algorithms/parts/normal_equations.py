"""The normal equations S w = b of least squares, batched, in the dtype given."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from icnewton.inputs import require

if TYPE_CHECKING:
    from icnewton.problems.linear import LinearCondition, LinearPrompts

Iterates = Iterator[Tensor]


def nth(iterates: Iterator[Tensor], steps: int) -> Tensor:
    """The iterate after ``steps`` steps (0 is the start)."""
    return next(islice(iterates, steps, None))


def gram_matrix(x: Tensor, ridge: float = 0.0) -> Tensor:
    """S = A^T A + ridge * I, ``(batch, d, d)``, from examples ``(batch, n, d)``."""
    return x.mT @ x + ridge * torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def moment(x: Tensor, y: Tensor) -> Tensor:
    """b = A^T y, ``(batch, d)``, from x ``(batch, n, d)`` and y ``(batch, n)``.

    Raises ValueError on other shapes.
    """
    require({"x": (x, ("n", "d")), "y": (y, ("n",))})
    return (x.mT @ y.unsqueeze(-1)).squeeze(-1)


def direct_solve(S: Tensor, b: Tensor) -> Tensor:
    """The solution w ``(batch, d)`` of S w = b, by Cholesky.

    Raises torch.linalg.LinAlgError if S is not positive.
    """
    return torch.cholesky_solve(b.unsqueeze(-1), torch.linalg.cholesky(S)).squeeze(-1)


def predictions(
    iterates: Callable[[Tensor, Tensor], Iterates],
) -> "Callable[[LinearPrompts, LinearCondition], Iterates]":
    """Turns iterates w_t of S and b into predictions ``(batch,)`` for the queries of prompts."""

    def answers(prompts: "LinearPrompts", condition: "LinearCondition") -> Iterates:
        examples, query = prompts.x[:, :-1], prompts.x[:, -1]
        for w in iterates(gram_matrix(examples), moment(examples, prompts.y)):
            yield (query * w).sum(-1)

    return answers


def apply(S: Tensor, w: Tensor) -> Tensor:
    """S w, ``(batch, d)``."""
    return (S @ w.unsqueeze(-1)).squeeze(-1)


def dot(u: Tensor, v: Tensor) -> Tensor:
    """u^T v, ``(batch, 1)``."""
    return (u * v).sum(-1, keepdim=True)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, and 0 where the denominator has vanished.

    The iterate has converged there.
    """
    tiny = torch.finfo(numerator.dtype).tiny
    return torch.where(denominator > 0, numerator / denominator.clamp_min(tiny), 0.0)
