"""Damped Newton on the regularised logistic loss by linear attention and ReLU (Theorem 5.2).

A step takes 5 + k layers. Tokens are the examples and, last, one that is marked and holds w. The
state between steps is

    w,  z_i = w^T a_i,  p_i = y_i sigma(-y_i z_i),  r_i = sqrt(d_i),  d_i = sigma(z_i) sigma(-z_i).

A prompt starts with w = 0. The layers of a step, where D is the last column of X after layer 3 + k:

    1            G <- grad f at the marked token:
                 -(1/n) sum_i p_i a_i by attention, mu w by neurons.
    1, 2         b_i <- r_i a_i = ((2 r_i + a_i)^2 - (2 r_i - a_i)^2) / 8,
                 squares by two layers of neurons.
    3            S <- H = (1/n) sum_i b_i b_i^T + mu I, positive definite for any errors of b_i;
                 X <- c_0 I + c_1 H, and beside it the marked token's column of X, X_0 grad f.
    4 .. 3 + k   Newton's iteration with Chebyshev scaling, X <- c (2X - XHX), on all columns alike;
                 the last becomes H^{-1} grad f.
    4 + k        s_i <- D^T a_i and v <- D^T grad f = lambda^2; neurons: e <- eta(v) - 1.
    5 + k        w <- w - (1 + e) D and z_i <- z_i - (1 + e) s_i, exact products by attention;
                 neurons: p_i and r_i at the new z_i; everything else is cleared to the bit.

The label in p_i needs no gadget: y sigma(-y z) = sigma(-z) - (1 - y) / 2 for y = -1 and 1.
``precision.py`` proves how large the neurons' layers must be. There are 2 heads, and the width is
7d + 8. The theorem allows 11 + 2k layers, and has 6d + 4 rows of input. Blocks that hold something
in a layer (x), where s, v and e could take the rows of p and r, which are read last in layer 2:

    layer          a  I  W  b  G  S  X
    1, 2           x  x  x  x  x  x  x     S and X: the squares' scratch
    3              x  x  x  x  x  x  x     H and X_0 grad f from b and grad f
    4 .. 3 + k     x  x  x     x  x  x
    4 + k          x  x  x     x     x     v = D^T grad f
    5 + k          x  x  x           x

G could wait in X until layer 3, but that layer reads b and writes S and X, and v needs G after it.
Six blocks would cost a layer: v = D^T (H D).
"""

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from icnewton.algorithms.parts.chebyshev import chebyshev_constants
from icnewton.constructions import Construction
from icnewton.constructions.parts.budget import BUDGET, afford_depth, most_cells
from icnewton.constructions.parts.gadgets import Gadget
from icnewton.constructions.parts.heads import Action, Head, compile_layers
from icnewton.constructions.parts.interventions import iterates
from icnewton.constructions.parts.precision import Plan, plan, unfit_error
from icnewton.constructions.parts.relu import Interpolants, Linear, clear, product
from icnewton.models.built_formats import LogisticStateFormat
from icnewton.models.model import Model, assemble
from icnewton.models.stream import Rows, Stream
from icnewton.problems.logistic import LogisticCondition

# Blocks of d rows: a_i, the identity, w, b_i, grad f, H and H^{-1}.
COLUMNS = ("a", "I", "W", "b", "G", "S", "X")
# Blocks of one row: the label y_i, the mark C, and z_i, p_i, r_i, s_i, v and e as above.
NUMBERS = ("y", "C", "z", "p", "r", "s", "v", "e")


def build_damped_newton(
    *,
    d: int,
    n: int,
    mu: float,
    steps: int,
    error: float | None = None,
    knots: int | None = None,
    inner_steps: int | None = None,
    looped: bool = False,
    budget: int = BUDGET,
) -> Model:
    """``model(x, y) -> w`` in float64: ``steps`` damped-Newton steps from 0.

    x is ``(batch, n, d)`` with ||x_i|| <= 1, y ``(batch, n)`` of -1 and 1, w ``(batch, d)``. Each
    step is within ``error`` (Euclidean) of the exact step at the same w, by the bound in
    ``model.card["origin"]["step_error_bound"]``; that is None if gadgets set by hand are too
    coarse for it. ``knots`` sets by hand the cells of the scalar gadgets (2 sqrt(knots) for each
    layer of squares), and ``inner_steps`` sets k. ``looped`` stores one step and applies it
    ``steps`` times; the output is the same to the bit.

    Raises ValueError on d < 1, n < 1, mu <= 0, steps < 0 (or 0 if looped), knots < 2,
    inner_steps < 0 or too few of them given; on an ``error`` that is not positive, larger than
    sqrt(mu / (mu + 1/4)) / 4, smaller than ``smallest_error`` or missed; and on weights of more
    than ``budget`` bytes.

    Where there is a bound, the lemma of ``precision.py`` keeps every margin in the gadgets'
    interval. Beyond it p and r stay what they are at its ends.
    """
    _check(d, n, mu, steps, error, knots, inner_steps, looped)
    blocks = dict.fromkeys(COLUMNS, d) | dict.fromkeys(NUMBERS, 1)
    most = most_cells(7 * d + 8, budget)
    if knots is not None and knots > most:
        allowed = f"at most {most} to stay within budget = {budget} bytes"
        raise ValueError(f"knots must be {allowed}, found {knots}")
    gadgets = plan(d, mu, error, knots, inner_steps, most)
    format = LogisticStateFormat(d, n, blocks)
    step = step_layers(format.stream, n, gadgets)
    loops, stored = (steps, 1) if looped else (1, steps)
    afford_depth(stored * len(step))
    bound = gadgets.bound if math.isfinite(gadgets.bound) else None
    origin = {"d": d, "n": n, "mu": mu, "steps": steps, "error": error, "step_error_bound": bound}
    origin |= {"inner_steps": gadgets.inner_steps, "product_cells": gadgets.product_cells}
    origin["logistic_cells"] = len(gadgets.logistic.knots) - 1
    origin["damping_cells"] = len(gadgets.damping.knots) - 1
    return assemble(
        format,
        compile_layers(format.stream, step * stored, loops, budget),
        family="damped_newton",
        kind="built",
        claim="T5.2",
        layers_per_step=len(step),
        origin=origin,
    )


def _check(
    d: int,
    n: int,
    mu: float,
    steps: int,
    error: float | None,
    knots: int | None,
    inner_steps: int | None,
    looped: bool,
) -> None:
    if d < 1 or n < 1 or steps < (1 if looped else 0):
        expected = f"d and n must be at least 1, steps at least {int(looped)}"
        raise ValueError(f"{expected}, found d = {d}, n = {n}, steps = {steps}")
    if not mu > 0:
        raise ValueError(f"mu must be positive, found {mu}")
    if error is not None and not error > 0:
        raise ValueError(f"error must be positive, found {error}")
    if (knots is not None and knots < 2) or (inner_steps is not None and inner_steps < 0):
        raise ValueError(
            f"knots must be at least 2 and inner_steps at least 0, found {knots=}, {inner_steps=}"
        )


def step_layers(stream: Stream, n: int, plan: Plan) -> list[list[Action]]:
    """The layers of one step."""
    gradient, square = _gradient_and_products(stream, n, plan)
    return [
        gradient,
        square,
        *_inverse(stream, n, plan),
        _decrement(stream, plan.damping),
        _update(stream, plan.logistic),
    ]


def _gradient_and_products(stream: Stream, n: int, plan: Plan) -> tuple[list[Action], list[Action]]:
    """Layers 1 and 2; the products use S and X as scratch."""
    a, p, r, C, W = stream.rows("a", "p", "r", "C", "W")
    first, second = product(r, a, "b", ("S", "X"), plan.product_cells)
    return [Head({"G": -a / n}, key=p, query=C), Linear({"G": plan.mu * W}), *first], [*second]


def _inverse(stream: Stream, n: int, plan: Plan) -> list[list[Action]]:
    """Layers 3 to 3 + k, for the inverse and for the gradient's column.

    They make the Hessian and the Chebyshev start, then take scaled Newton steps.
    """
    b, I, G, S, X = stream.rows("b", "I", "G", "S", "X")
    constant, slope, scales = chebyshev_constants(plan.mu, plan.upper)
    start: list[Action] = [
        Head({"S": b / n}, key=b, query=I),
        Head({"X": slope / n * b}, key=b, query=I + G),
        Linear({"S": plan.mu * I, "X": (constant + slope * plan.mu) * (I + G)}),
    ]
    layers = [start]
    for scale in islice(scales, plan.inner_steps):  # X <- 2c (X - XSX / 2)
        layers.append([Head({"X": -0.5 * X}, key=S, query=X), Linear({"X": (2 * scale - 1) * X})])
    return layers


def _decrement(stream: Stream, damping: Gadget) -> list[Action]:
    """Layer 4 + k. Only the marked token has v, and so, to the bit, only it has e."""
    a, C, G, X, v = stream.rows("a", "C", "G", "X", "v")
    return [
        Head({"s": C}, key=X, query=a),
        Head({"v": C}, key=X, query=G),
        Interpolants(v, damping.knots, {"e": damping.values["damping"]}),
    ]


def _update(stream: Stream, logistic: Gadget) -> list[Action]:
    """Layer 5 + k."""
    y, C, z, s, e, X = stream.rows("y", "C", "z", "s", "e", "X")
    done: tuple[Rows, ...] = stream.rows("p", "r", "b", "G", "S", "X", "s", "v", "e")
    functions = {"p": logistic.values["probability"] - 0.5, "r": logistic.values["root"]}
    return [
        Head({"W": -X}, key=e + C, query=C),
        Head({"z": -(e + C)}, key=C, query=s),
        *clear(*done),
        Interpolants(z, logistic.knots, functions),
        Linear({"p": 0.5 * y}),
    ]


def suited(condition: LogisticCondition, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings for a condition's sizes and regularisation; one step is stored."""
    sizes = {"d": condition.d, "n": condition.n, "mu": condition.mu}
    return {**sizes, **settings, "looped": True}


def refused(condition: LogisticCondition, settings: Mapping[str, Any]) -> list[str]:
    """An error for which the theorem has no proof, or float64 no room."""
    return unfit_error(condition.mu, settings["error"]) if "error" in settings else []


ENTRIES = {
    "damped_newton": Construction(build_damped_newton, "logistic", suited, iterates, refused)
}
