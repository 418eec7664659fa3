"""The best that L layers of linear attention can do on a spectrum, as a transformer.

On prompts with spec(A^T A) in [l, u] it answers a^T (I - r(S)) S^{-1} b with S = A^T A, b = A^T y
and the Chebyshev residual

    r(s) = T_m(z(s)) / T_m(z(0)),    z(s) = (u + l - 2 s) / (u - l),    m = (3^L - 1) / 2,

so that |y_hat - a^T w| <= ||a|| ||w|| / T_m((u + l) / (u - l)) for y = A w. No L layers do better
in the worst case (``theory/minimax.py``).

Let a polynomial p stand for a pair of blocks: p(S) a_i and w^T p(S) a_i at token i. The tokens
(a_i, y_i) are p = 1. A head with value v, key b and query c adds the polynomial

    sum_i v(S) a_i (b(S) a_i)^T c(S) a = (S v b c)(S) a

to a block, and likewise to labels. At the query token the label of p is w^T (p(S) - p(0)) a, since
its own label is unknown and all that layers add has the factor S. *Every degree is reached:* let
P_k be the polynomials of degree at most k, and let layers have made a basis of P_k. Take a t of
degree k. Two heads, (t, t) and (1, t), add s t (v_1 t + v_2) with v_1 and v_2 in P_k. By division
with remainder v_1 t + v_2 is any element of P_2k, and s t P_2k + P_k is P_{3k + 1}. From k = 0 the
layers reach k = 0, 1, 4, 13, ..., (3^l - 1) / 2. The last layer makes the answer alone, a multiple
of every polynomial before it being added as it is made.

Here t is the Chebyshev polynomial of degree k on [0, u], and values are those of degree at most k.
On [l, u] they would take large values at 0, and cancel: every polynomial of the stream but the
first vanishes there.

In rational numbers the residual is R exactly, at every depth (``tests/test_exact.py``). In float64
the answer is off by up to 2e-13 at four layers, where the law is 8.4e-12 at kappa = 10 and 1.6e-19
at kappa = 4. That is the rounding of the weights: they have the same error in exact arithmetic.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.polynomial import chebyshev

from icnewton.algorithms.parts.chebyshev import chebyshev_residual
from icnewton.algorithms.parts.extremal import degree
from icnewton.constructions import Construction
from icnewton.constructions.inverse import Layers
from icnewton.constructions.parts.budget import BUDGET, afford
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.constructions.parts.heads import Head, compile_layers
from icnewton.models.built_formats import PolynomialFormat
from icnewton.models.config import TransformerConfig
from icnewton.models.model import Model, assemble
from icnewton.models.stream import Rows
from icnewton.problems.linear import LinearCondition

FACTOR = np.array([0.5, -0.5])  # s / u in Chebyshev polynomials of 1 - 2 s / u


def build_minimax(
    *, d: int, steps: int, spectrum: tuple[float, float], budget: int = BUDGET
) -> Model:
    """``model(x, y) -> y_hat``, float64, for prompts of any length.

    x is ``(batch, n + 1, d)`` with the query last, y ``(batch, n)`` and y_hat ``(batch,)``.
    ``steps`` is the number of layers and ``spectrum`` bounds the eigenvalues of A^T A. Rounding
    adds about 1e-14 to the law at three layers and 1e-13 at four, relative to ||a|| ||w||. Raises
    ValueError on d < 1, steps < 1, bounds but 0 < l <= u, and weights of more than ``budget``
    bytes.
    """
    lower, upper = spectrum
    if d < 1 or steps < 1:
        raise ValueError(f"d and steps must be at least 1, found d = {d}, steps = {steps}")
    if not 0 < lower <= upper < math.inf:
        raise ValueError(f"the spectrum must satisfy 0 < lower <= upper, found ({lower}, {upper})")
    count, size = degree(steps - 1) + 1, (degree(max(steps - 2, 0)) + 1) * (d + 1)
    afford(TransformerConfig(count * (d + 1) + 1, steps, 2, size), budget)
    format = PolynomialFormat(d, count)
    plan, made = _plan(steps)
    heads = _heads(plan, _shares(made, lower, upper), upper)
    return assemble(
        format,
        compile_layers(format.stream, heads, budget=budget, query_as_key=False),
        family="minimax",
        kind="built",
        claim="minimax law",
        layers_per_step=1,
        origin={"d": d, "steps": steps, "spectrum": [lower, upper]},
    )


class _Addition(NamedTuple):
    """A head in coordinates of the polynomials before it: key, query, and a value for each new."""

    key: np.ndarray
    query: np.ndarray
    values: Sequence[np.ndarray]


def _plan(layers: int) -> tuple[list[list[_Addition]], np.ndarray]:
    """Heads of each layer, and the polynomials that they make, without their factor s / u.

    A row is one, in Chebyshev polynomials of 1 - 2 s / u, after the order in which they are made.
    """
    count, made = degree(layers), [np.ones(1)]
    plan, rows = [], []
    for layer in range(layers):
        k = degree(layer)
        basis = np.zeros((k + 1, k + 1))
        for column, polynomial in enumerate(made):
            basis[: len(polynomial), column] = polynomial
        coordinates = np.linalg.inv(basis).T  # row i is T_i
        one, top = np.eye(k + 1)[0], coordinates[k]
        plan.append([_Addition(one, top, [*coordinates])])
        factors = [chebyshev.chebmul(_chebyshev(k), _chebyshev(i)) for i in range(k + 1)]
        if k:
            plan[-1].append(_Addition(top, top, [*coordinates[1:]]))
            factors += [chebyshev.chebmul(_chebyshev(k), factor) for factor in factors[1:]]
        made += [chebyshev.chebmul(FACTOR, factor) for factor in factors]
        rows += [np.pad(factor, (0, count - len(factor))) for factor in factors]
    return plan, np.array(rows)


def _chebyshev(degree: int) -> np.ndarray:
    return np.eye(degree + 1)[degree]


def _shares(made: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """How much of each polynomial that is made goes into the answer, 1 - r.

    (1 - r) / (s / u) has degree m - 1, so that its values at m points of (0, u) decide.
    """
    m = len(made)
    nodes = np.cos((np.arange(m) + 0.5) * np.pi / m)
    s = upper * (1 - nodes) / 2
    left = chebyshev_residual(torch.from_numpy(s), m, lower, upper).numpy()
    coefficients = chebyshev.chebfit(nodes, (1 - left) * upper / s, m - 1)
    return np.linalg.solve(made.T, coefficients)


def _heads(plan: Sequence[Sequence[_Addition]], shares: np.ndarray, upper: float) -> Layers:
    """The heads as actions on blocks; those of the last layer make the answer alone."""
    layers, first = [], 1
    for index, additions in enumerate(plan):
        heads = []
        for addition in additions:
            names = range(first, first + len(addition.values))
            first += len(addition.values)
            share = shares[names.start - 1 : names.stop - 1]
            answer = sum(part * value for part, value in zip(share, addition.values, strict=True))
            value = {"o": _rows("y", answer / upper)}
            if index < len(plan) - 1:
                for name, row in zip(names, addition.values, strict=True):
                    value[f"x{name}"] = _rows("x", row / upper)
                    value[f"y{name}"] = _rows("y", row / upper)
            key, query = _rows("x", addition.key), _rows("x", addition.query)
            heads.append(Head(value, key=key, query=query))
        layers.append(heads)
    return layers


def _rows(block: str, coordinates: np.ndarray) -> Rows:
    return Rows({f"{block}{j}": float(c) for j, c in enumerate(coordinates) if c})


def suited(condition: LinearCondition, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings with the spectrum of a condition's prompts."""
    return {"d": condition.d, "spectrum": spectrum_of(condition), **settings}


ENTRIES = {"minimax": Construction(build_minimax, "linear", suited)}
