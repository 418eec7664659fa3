"""GD++ (von Oswald et al., arXiv 2212.07677): one head, width d + 1, exactly L layers.

Layer l takes a step of gradient descent on the labels and, but for the last, one on the examples,
the query among them, which is no key:

    y_i <- y_i - gamma_l sum_j (x_i . x_j) y_j,      x_i <- x_i - eta_l sum_j (x_i . x_j) x_j.

One head does both: its key and its query are x, its value is (eta x, gamma y). With S_0 = S = A^T A
the examples of layer l have the Gram matrix S_l, and the query's label ends at
-a^T p(S) b with b = A^T y, where

    1 - lambda p(lambda) = r(lambda) = prod_l (1 - gamma_l lambda_l),
    lambda_0 = lambda,   lambda_{l+1} = lambda_l (1 - eta_l lambda_l)^2.

*Proof.* Labels outside the range of A meet no example, so let y = A w. All tokens are multiplied by
the same matrices, which commute with S: the examples of layer l are A P_l with
P_{l+1} = P_l (I - eta_l S_l), and S_l = S P_l^2. The labels are A w_l with
w_{l+1} = (I - gamma_l S_l) w_l. The query's label falls by gamma_l a^T S_l w_l =
a^T (w_l - w_{l+1}), so it ends at -a^T (I - r(S)) w. QED
The degree of r is (3^L - 1) / 2, the largest that L layers can have.

**Triangle.** gamma_l = eta_l = (4/3) 9^l / u. With lambda = u sin^2 theta the triple angle
sin 3 phi = 3 sin phi (1 - (4/3) sin^2 phi) gives lambda_l = u sin^2(3^l theta) / 9^l, and

    r(lambda) = sin(3^L theta) / (3^L sin theta),   sqrt(lambda) |r(lambda)| <= sqrt(u) / 3^L

on [0, u]: for y = A w the training residual ||A w_hat - y|| is at most sqrt(u) ||w|| / 3^L,
whatever the condition number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from icnewton.constructions import Construction
from icnewton.constructions.parts.budget import BUDGET, afford_depth
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.constructions.parts.heads import Head, compile_layers
from icnewton.models.built_formats import DescentFormat
from icnewton.models.model import Model, assemble
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearCondition

MOST_STEPS = 300  # 9^300 is the end of float64


def build_gdpp(
    *,
    d: int,
    steps: int | None = None,
    upper: float | None = None,
    gammas: tuple[float, ...] | None = None,
    etas: tuple[float, ...] | None = None,
    budget: int = BUDGET,
) -> Model:
    """``model(x, y) -> y_hat``, float64, for prompts of any length.

    x is ``(batch, n + 1, d)`` with the query last, y ``(batch, n)`` and y_hat ``(batch,)``. Either
    ``steps``, the number of layers, and ``upper``, a bound on the eigenvalues of A^T A, which give
    the triangle's scalars; or the scalars themselves, ``etas`` one fewer than ``gammas``. Raises
    ValueError on anything else, on d < 1, steps < 1, upper <= 0, and on weights of more than
    ``budget`` bytes.
    """
    if d < 1:
        raise ValueError(f"d must be at least 1, found {d}")
    afford_depth(len(gammas or ()) or steps or 0)
    if gammas is None and etas is None:
        chosen, moves = _triangle(steps, upper)
    else:
        chosen, moves = _explicit(steps, upper, gammas or (), etas)
    format = DescentFormat(d)
    x, y = format.stream.rows("x", "y")
    layers = [
        [Head({"x": -eta * x, "y": -gamma * y} if eta else {"y": -gamma * y}, key=x, query=x)]
        for gamma, eta in zip(chosen, [*moves, 0.0], strict=True)
    ]
    compiled = compile_layers(format.stream, layers, budget=budget)
    transformer = Transformer(replace(compiled.config, query_as_key=False))
    transformer.load_state_dict(compiled.state_dict())
    origin = {"d": d, "steps": steps, "upper": upper, "gammas": list(chosen), "etas": list(moves)}
    return assemble(
        format,
        transformer,
        family="gdpp",
        kind="built",
        claim="GD++",
        layers_per_step=1,
        origin=origin,
    )


def _triangle(steps: int | None, upper: float | None) -> tuple[list[float], list[float]]:
    if steps is None or steps < 1 or upper is None or not 0 < upper < math.inf:
        words = "steps of at least 1 and upper > 0, or gammas and etas"
        raise ValueError(f"expected {words}, found {steps=}, {upper=}")
    scalars = [4 / 3 * 9.0**layer / upper for layer in range(steps)] if steps < MOST_STEPS else []
    if not scalars or not math.isfinite(scalars[-1]):
        raise ValueError(f"steps and upper must give finite scalars, found {steps=}, {upper=}")
    return scalars, scalars[:-1]


def _explicit(
    steps: int | None,
    upper: float | None,
    gammas: Sequence[float],
    etas: Sequence[float] | None,
) -> tuple[list[float], list[float]]:
    moves = list(etas or ())
    if steps is not None or upper is not None or len(moves) != len(gammas) - 1:
        words = "gammas and one fewer of etas, no steps and no upper"
        raise ValueError(f"expected {words}, found {gammas=}, {etas=}, {steps=}, {upper=}")
    if not all(math.isfinite(scalar) and scalar for scalar in (*gammas, *moves)):
        raise ValueError(f"gammas and etas must be finite and not 0, found {gammas=}, {etas=}")
    return list(gammas), moves


def suited(condition: LinearCondition, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings with the largest eigenvalue of a condition's prompts."""
    constants = {} if "gammas" in settings else {"upper": spectrum_of(condition)[1]}
    return {"d": condition.d, **constants, **settings}


ENTRIES = {"gdpp": Construction(build_gdpp, "linear", suited)}
