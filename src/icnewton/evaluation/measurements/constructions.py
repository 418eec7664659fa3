"""Constructions against the algorithms that they execute, on random problems.

These are the measurements behind L4.1 and T4.2.
"""

from collections.abc import Iterator, Mapping
from itertools import product
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
    """Matrices ``(batch, d, d)`` with singular values from 1 to 1 / kappa.

    They are positive definite if ``symmetric``.
    """
    gaussian = [torch.randn(batch, d, d, generator=source, dtype=torch.float64) for _ in range(2)]
    left, right = (torch.linalg.qr(matrix).Q for matrix in gaussian)
    values = torch.linspace(0, 1, d, dtype=torch.float64).mul(-torch.log(torch.tensor(kappa))).exp()
    matrices: Tensor = left * values @ (left if symmetric else right).mT
    return matrices


def check_all(
    d: Sizes,
    kappa: Annotated[tuple[Kappa, ...], "Condition numbers."],
    steps: Annotated[tuple[Steps, ...], "Steps."],
    batch: Annotated[int, Within(1, 1_000_000), "Problems of each kind."],
) -> pd.DataFrame:
    """The largest relative error and the module's shape, for each construction, d, kappa and T.

    The error is ||X - X_T||_F / ||X_T||_F for ``inverse``. For ``least_squares`` it is the norm
    over the batch of differences of predictions over the norm of predictions.
    """
    rows: list[Mapping[str, Any]] = []
    for setting in product(d, kappa, steps, (2, 3, 4)):
        rows += _inverse_rows(*setting, batch)
        rows.append(_least_squares_row(*setting, batch))
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
    """The random stream of a setting; its name has a whole kappa as a whole number."""
    return generator("checks", d, int(kappa) if kappa.is_integer() else kappa, *keys)


def _row(
    model: Model, matrix: str, d: int, n: int, kappa: float, steps: int, order: int, error: float
) -> Mapping[str, Any]:
    card = model.card
    shape = {name: card[name] for name in ("depth", "heads", "width", "hidden_width")}
    kind = {"family": card.family, "matrix": matrix, "order": order}
    return kind | {"d": d, "n": n, "kappa": kappa, "steps": steps} | shape | {"error": error}


ENTRIES = {"constructions": Measurement(check_all, protocols=("normalised",))}
