"""Short prompts drawn in place of long ones: linear attention sees the Gram matrix alone.

Theorem and corollary are those of ``models/gram.py``.

**Sampling.** Examples a_i = root u_i with labels y_i = w^T a_i + sigma v_i are the rows of Z = U M
with U ``(n, d + 1)`` Gaussian and M = [[root^T, root^T w], [0, sigma]]. By Bartlett's decomposition
U = QT, where T is upper triangular with independent entries:

    T_ij ~ N(0, 1) above the diagonal,
    T_ii^2 ~ chi^2 with n - i degrees of freedom (i = 0, ..., d).

So T M has the Gram matrix of n examples in distribution. Drawing it costs the same for any n.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.covariances import sample_roots
from icnewton.protocols import gaussian
from icnewton.training.runs import Run


def is_drawn_condensed(run: Run) -> bool:
    """Whether ``sample_condensed`` gives, in distribution, what a run is trained on."""
    condition, recipe = run.condition, run.recipe
    is_whole = recipe.curriculum is None and not recipe.noisy_target
    is_asked_for_labels = condition.problem == "linear" and run.kind.target == "target"
    is_long = condition.n > condition.d
    return is_whole and is_asked_for_labels and is_long and condition.law.is_gaussian


def sample_condensed(
    condition: Condition,
    covariances: int,
    prompts_each: int,
    source: torch.Generator,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Condensed prompts and targets as ``condense`` and ``sample`` give them, in distribution.

    n must exceed d. Returns tokens ``(batch, d + 2, d + 1)``, the query (a_test, 0) last, and the
    query's labels without noise ``(batch,)``. Raises ValueError for prompts other than linear ones
    with Gaussian examples.
    """
    if condition.problem != "linear" or not condition.law.is_gaussian:
        found = f"{condition.protocol} {condition.problem} ones"
        raise ValueError(f"prompts must be linear with Gaussian examples, found {found}")
    d, batch, noise = condition.d, covariances * prompts_each, condition.to_json()["noise"]
    roots = sample_roots(condition, covariances, source, dtype)[0]
    w = gaussian((batch, d, 1), source, dtype)
    factor = bartlett(condition.n, d + 1, batch, source, dtype)
    # the examples and the query, before the root of their covariance
    u = torch.cat([factor[..., :-1], gaussian((batch, 1, d), source, dtype)], 1)
    x = (u.view(covariances, -1, d) @ roots.mT).view(batch, d + 2, d)
    clean = x @ w
    y = F.pad(clean[:, :-1] + noise * factor[..., -1:], (0, 0, 0, 1))
    return torch.cat([x, y], -1), clean[:, -1, 0]


def bartlett(
    n: int, columns: int, batch: int, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Triangular factors ``(batch, columns, columns)`` of Gaussian ``(n, columns)``.

    Raises ValueError if n < columns.
    """
    if n < columns:
        expected = f"at least {columns} for a triangular factor with {columns} columns"
        raise ValueError(f"n must be {expected}, found {n}")
    options: dict[str, Any] = {"dtype": dtype, "device": generator.device}
    degrees = torch.arange(n, n - columns, -1, **options)
    gamma = torch._standard_gamma((degrees / 2).expand(batch, columns), generator=generator)
    diagonal = (2 * gamma).sqrt()
    factor = torch.randn(batch, columns, columns, generator=generator, **options).triu_(1)
    factor.diagonal(dim1=-2, dim2=-1).copy_(diagonal)
    return factor
