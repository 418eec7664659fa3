"""Gradient descent on the regularised logistic loss by linear attention and ReLU, for comparison.

A step takes one layer. Tokens and state are those of ``damped_newton.py``: w at the marked token,
z_i = w^T a_i and p_i = y_i sigma(-y_i z_i). The margins need not wait for w, because their step is
a head as well:

    w   <- (1 - rate mu) w   + (rate / n) sum_j p_j a_j
    z_i <- (1 - rate mu) z_i + (rate / n) sum_j p_j (a_j^T a_i)

So one layer does both, and its neurons renew p_i. It has 2 heads and width 2d + 4.
"""

from collections.abc import Mapping
from typing import Any

from icnewton.constructions import Construction
from icnewton.constructions.parts.budget import BUDGET, afford_depth, most_cells
from icnewton.constructions.parts.gadgets import Gadget, probability_gadget
from icnewton.constructions.parts.heads import Action, Head, compile_layers
from icnewton.constructions.parts.interventions import iterates
from icnewton.constructions.parts.relu import Interpolants, Linear, clear
from icnewton.models.built_formats import LogisticStateFormat
from icnewton.models.model import Model, assemble
from icnewton.models.stream import Stream
from icnewton.problems.logistic import LogisticCondition

SMALLEST = 1e-12  # the smallest error of a step in float64


def build_logistic_gradient_descent(
    *,
    d: int,
    n: int,
    mu: float,
    steps: int,
    error: float,
    looped: bool = False,
    budget: int = BUDGET,
) -> Model:
    """``model(x, y) -> w`` as ``build_damped_newton``, by gradient descent from 0.

    The rate is 1 / (mu + 1/4); mu + 1/4 bounds the Hessian where ||a_i|| <= 1. Every step is within
    ``error`` of the exact one as long as margins stay within ``margin_radius``; beyond it sigma is
    constant. Raises ValueError on d < 1, n < 1, mu <= 0, steps < 0 (or 0 if looped), error not in
    [1e-12, 1), below which rounding would exceed it, and weights of more than ``budget`` bytes.
    """
    if d < 1 or n < 1 or steps < int(looped) or not mu > 0 or not 0 < error < 1:
        expected = f"d >= 1, n >= 1, mu > 0, steps >= {int(looped)} and error in (0, 1)"
        raise ValueError(f"expected {expected}, found {d=}, {n=}, {mu=}, {steps=}, {error=}")
    if error < SMALLEST:
        least = f"at least {SMALLEST:g}"
        raise ValueError(f"error must be {least}, found {error}: less is lost in rounding")
    afford_depth(1 if looped else steps)
    rate = 1 / (mu + 0.25)
    gadget = probability_gadget(mu, error / rate, most_cells(2 * d + 4, budget))
    blocks = {"a": d, "y": 1, "C": 1, "W": d, "z": 1, "p": 1}
    format = LogisticStateFormat(d, n, blocks)
    step = _step(format.stream, n, rate, 1 - rate * mu, gadget)
    loops, stored = (steps, 1) if looped else (1, steps)
    return assemble(
        format,
        compile_layers(format.stream, [step] * stored, loops, budget),
        family="logistic_gradient_descent",
        kind="built",
        layers_per_step=1,
        origin={"d": d, "n": n, "mu": mu, "steps": steps, "error": error, "rate": rate},
    )


def _step(stream: Stream, n: int, rate: float, kept: float, gadget: Gadget) -> list[Action]:
    """One step. The neurons scale w and z after the heads, so the heads add rate / (n kept)."""
    a, y, C, W, z, p = stream.rows("a", "y", "C", "W", "z", "p")
    size = rate / (n * kept)
    return [
        Head({"W": size * a}, key=p, query=C),
        Head({"z": size * p}, key=a, query=a),
        Linear({"W": (kept - 1) * W, "z": (kept - 1) * z}),
        *clear(p),
        Interpolants(kept * z, gadget.knots, {"p": gadget.values["probability"] - 0.5}),
        Linear({"p": 0.5 * y}),
    ]


def suited(condition: LogisticCondition, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings for a condition's sizes and regularisation; one step is stored."""
    sizes = {"d": condition.d, "n": condition.n, "mu": condition.mu}
    return {**sizes, **settings, "looped": True}


ENTRIES = {
    "logistic_gradient_descent": Construction(
        build_logistic_gradient_descent, "logistic", suited, iterates
    )
}
