"""Constructions against the algorithms that they execute, on random problems: the measurements
behind L4.1 and T4.2.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pandas as pd
import torch
from torch import Tensor

from icnewton.algorithms.newton import newton_inverse
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment, nth
from icnewton.constructions.inverse import build_inverse
from icnewton.constructions.least_squares import build_least_squares
from icnewton.evaluation.measurements import Measurement
from icnewton.models.model import Model
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.typed import Within

Sizes = Annotated[tuple[Annotated[int, Within(1, 1000)], ...], "Dimensions."]
Kappa = Annotated[float, Within(1, 1e12)]
Steps = Annotated[int, Within(0, 2000)]


def random_matrices(
    d: int, kappa: float, batch: int, symmetric: bool, source: torch.Generator
) -> Tensor:
    """``(batch, d, d)`` matrices with singular values from 1 to 1 / kappa; positive definite if
    symmetric.
    """
    left, right = (
        torch.linalg.qr(torch.randn(batch, d, d, generator=source, dtype=torch.float64)).Q
        for _ in "UV"
    )
    values = torch.linspace(0, 1, d, dtype=torch.float64).mul(-torch.log(torch.tensor(kappa))).exp()
    matrices: Tensor = left * values @ (left if symmetric else right).mT
    return matrices


def check_all(
    d: Sizes,
    kappa: Annotated[tuple[Kappa, ...], "Condition numbers."],
    steps: Annotated[tuple[Steps, ...], "Steps."],
    batch: Annotated[int, Within(1, 1_000_000), "Problems of each kind."],
) -> pd.DataFrame:
    """One row for each construction, d, kappa and T: the largest relative error and the shape read
    off the module.

    The error is ||X - X_T||_F / ||X_T||_F for ``inverse``, and for ``least_squares`` the norm over
    the batch of differences of predictions over the norm of predictions.
    """
    rows: list[Mapping[str, Any]] = []
    for size in d:
        for condition_number in kappa:
            for count in steps:
                for order in (2, 3, 4):
                    rows += _inverse_rows(size, condition_number, count, order, batch)
                    rows.append(_least_squares_row(size, condition_number, count, order, batch))
    return pd.DataFrame(rows)


def _inverse_rows(
    d: int, kappa: float, steps: int, order: int, batch: int
) -> Iterator[Mapping[str, Any]]:
    for symmetric in (False, True):
        source = _source(d, kappa, steps, order, symmetric)
        A = random_matrices(d, kappa, batch, symmetric, source)
        X0 = A.mT  # alpha = 1 / lambda_max(A^T A)
        model = build_inverse(d=d, steps=steps, symmetric=symmetric, order=order)
        expected = nth(newton_inverse(A, X0, order), steps)
        norm = torch.linalg.matrix_norm
        error = (norm(model(A, X0) - expected) / norm(expected)).max().item()
        yield _row(model, "symmetric" if symmetric else "any", d, d, kappa, steps, order, error)


def _least_squares_row(
    d: int, kappa: float, steps: int, order: int, batch: int
) -> Mapping[str, Any]:
    n = 2 * d + 3
    condition = LinearCondition("normalised", d, n, kappa, 0.1)
    prompts = sample(condition, batch, 1, _source(d, kappa, steps, order))
    S, b = gram_matrix(prompts.x[:, :-1]), moment(prompts.x[:, :-1], prompts.y)
    alpha = 1 / torch.linalg.eigvalsh(S).max().item() ** 2
    model = build_least_squares(d=d, n=n, steps=steps, alpha=alpha, order=order)
    X = nth(newton_inverse(S, alpha * S, order), steps)
    expected = torch.einsum("bi,bij,bj->b", prompts.x[:, -1], X, b)
    error = ((model(prompts.x, prompts.y) - expected).norm() / expected.norm()).item()
    return _row(model, "gram", d, n, kappa, steps, order, error)


def _source(d: int, kappa: float, *keys: object) -> torch.Generator:
    """The random stream of a setting, in whose name a whole kappa is written as such."""
    return generator("checks", d, int(kappa) if kappa.is_integer() else kappa, *keys)


def _row(
    model: Model, matrix: str, d: int, n: int, kappa: float, steps: int, order: int, error: float
) -> Mapping[str, Any]:
    card = model.card
    shape = {
        "depth": card.depth,
        "heads": card.heads,
        "width": card.width,
        "hidden_width": card.hidden_width,
    }
    problem = {
        "family": card.family,
        "matrix": matrix,
        "order": order,
        "d": d,
        "n": n,
        "kappa": kappa,
        "steps": steps,
    }
    return problem | shape | {"error": error}


ENTRIES = {"constructions": Measurement(check_all, protocols=("normalised",))}
