"""The reference algorithms of linear regression, step by step, and what their steps cost as
transformers.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
from torch import Tensor

from icnewton.algorithms.iterations import (
    conjugate_gradient,
    direct_solve,
    gradient_descent,
    gram_matrix,
    moment,
    newton_inverse,
    newton_start,
)
from icnewton.constructions.least_squares import build_least_squares
from icnewton.evaluation.linear import Labelled
from icnewton.problems.linear import Prompts

Iterates = Iterator[Tensor]


def newton_weights(order: int) -> Callable[[Tensor, Tensor], Iterates]:
    """w_t = X_t b of Newton's iteration of an order, from the paper's start for each prompt."""
    return lambda S, b: (
        (X @ b.unsqueeze(-1)).squeeze(-1) for X in newton_inverse(S, newton_start(S), order)
    )


def _direct(S: Tensor, b: Tensor) -> Iterates:
    yield direct_solve(S, b)


REFERENCES: dict[str, Callable[[Tensor, Tensor], Iterates]] = {
    **{f"newton{order}": newton_weights(order) for order in range(2, 13)},
    "gradient_descent": lambda S, b: gradient_descent(S, b, "optimal"),
    "steepest_descent": lambda S, b: gradient_descent(S, b, "line_search"),
    "conjugate_gradient": conjugate_gradient,
    "least_squares": _direct,
}


def reference_predictions(
    method: str, steps: Sequence[int], prompts: Prompts
) -> Iterator[Labelled]:
    """Predictions of a reference algorithm after each of ``steps``, from S = A^T A and b = A^T y."""
    examples = prompts.x[:, :-1]
    iterates = REFERENCES[method](gram_matrix(examples), moment(examples, prompts.y))
    for step, w in enumerate(islice(iterates, max(steps) + 1)):
        if step in steps:
            layers = true_layers(method, step, prompts.d, prompts.n)
            yield Labelled(method, "reference", 0, step, layers, (prompts.x[:, -1] * w).sum(-1))


def true_layers(method: str, step: int, d: int, n: int) -> float:
    """Layers of linear attention that do ``step`` steps and the prediction; nan where no
    construction is built here.

    Newton of order 2 to 4: read off the built model. Gradient descent with a fixed step: one layer
    a step (von Oswald et al., arXiv 2212.07677).
    """
    if method in ("newton2", "newton3", "newton4"):
        return build_least_squares(
            d=d, n=n, steps=step, alpha=1.0, order=int(method[-1])
        ).card.depth
    return step if method == "gradient_descent" else np.nan
