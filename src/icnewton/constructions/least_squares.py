"""In-context least squares by linear attention (Theorem 4.2).

T steps approach (A^T A + mu I)^{-1}, then the prediction is read off. The layers are, in order:

    | order 2                          | order 3                              |
    |----------------------------------|--------------------------------------|
    | 1 layer makes S and X_0          | 1 layer makes S                      |
    |                                  | 1 layer makes X_0 and R = I - X_0 S  |
    | T layers, one a step             | T layers, one a step                 |
    | 1 layer makes w^T = (A^T y)^T X_T|                                      |
    | 1 layer makes y_hat = w^T a_test | 1 layer makes y_hat                  |
    | 2 heads, width 4d + 2            | 6 heads, width 6d + 1                |

Both have depth 3 + T; the theorem allows width 4d + 3. Order 4 is order 2 with two Newton layers a
step, of depth 3 + 2T. Orders 2 and 3 also take Chebyshev steps for a spectrum that is known
(``algorithms/parts/chebyshev.py``), after which the residual is the smallest of its degree. With
order 3 the degree is 2 3^T in 3 + T layers, and no linear attention has less than 2 + T layers for
that residual (``theory/minimax.py``).

Orders 2 and 4 keep a_test in the query token's block S. As a key it only ever meets a value block
that is zero there. Order 3 carries the query along: the query token's column q of X starts as
X_0 a_test and ends as X_T a_test.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from icnewton.algorithms.parts.chebyshev import chebyshev_constants
from icnewton.constructions import Construction
from icnewton.constructions.inverse import Layers, scaled_cubic_step, scaled_newton_step
from icnewton.constructions.parts.budget import BUDGET, afford_depth
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.constructions.parts.heads import Head, compile_layers
from icnewton.models.built_formats import LeastSquaresFormat
from icnewton.models.model import Model, assemble
from icnewton.models.stream import Stream
from icnewton.problems.linear import LinearCondition


def build_least_squares(
    *,
    d: int,
    n: int,
    steps: int,
    alpha: float | None = None,
    ridge: float = 0.0,
    order: int = 2,
    step: str = "newton",
    spectrum: tuple[float, float] | None = None,
    budget: int = BUDGET,
) -> Model:
    """``model(x, y) -> y_hat``, all float64.

    x is ``(batch, n + 1, d)`` with the query last, y ``(batch, n)`` and y_hat ``(batch,)``.
    ``step="newton"`` needs ``alpha``: X_0 = alpha (A^T A + ridge I), baked into the weights.
    ``step="chebyshev"``, of order 2 or 3, needs ``spectrum``, bounds on the eigenvalues of A^T A
    without the ridge.
    ``ridge`` is mu of Remark 4.4. Raises ValueError on any other combination, d < 1, n < 1,
    steps < 0, alpha <= 0, ridge < 0, and weights of more than ``budget`` bytes.
    """
    _check(d, n, steps, alpha, ridge, order, step, spectrum)
    afford_depth(3 + steps * (2 if order == 4 else 1))
    origin: dict[str, Any] = {"d": d, "n": n, "steps": steps, "alpha": alpha, "ridge": ridge}
    origin |= {"order": order, "step": step, "spectrum": spectrum and list(spectrum)}
    per_step, blocks, query_block = _shape(d, order)
    scaling, stream = _scaling(steps * per_step, alpha, ridge, order, spectrum), Stream(blocks)
    layers = (_cubic if order == 3 else _quadratic)(stream, scaling, ridge)
    format = LeastSquaresFormat(d, n, blocks, query_block)
    return assemble(
        format,
        compile_layers(format.stream, layers, budget=budget),
        family="least_squares",
        kind="built",
        claim="T4.2" if order == 2 and step == "newton" else f"{step} step of order {order}",
        layers_per_step=per_step,
        origin=origin,
    )


def _check(
    d: int,
    n: int,
    steps: int,
    alpha: float | None,
    ridge: float,
    order: int,
    step: str,
    spectrum: tuple[float, float] | None,
) -> None:
    if d < 1 or n < 1 or steps < 0:
        found = f"d = {d}, n = {n}, steps = {steps}"
        raise ValueError(f"d and n must be at least 1 and steps at least 0, found {found}")
    if not ridge >= 0:
        raise ValueError(f"ridge must not be negative, found {ridge}")
    if step == "newton":
        if order not in (2, 3, 4):
            raise ValueError(f"order must be 2, 3 or 4, found {order}")
        if alpha is None or not alpha > 0 or spectrum is not None:
            raise ValueError(
                f"a newton step needs alpha > 0 and no spectrum, found {alpha=}, {spectrum=}"
            )
    elif step == "chebyshev":
        if alpha is not None or spectrum is None or order not in (2, 3):
            found = f"{alpha=}, {spectrum=}, {order=}"
            raise ValueError(
                f"a chebyshev step needs spectrum, no alpha and order 2 or 3, found {found}"
            )
    else:
        raise ValueError(f"step must be 'newton' or 'chebyshev', found {step!r}")


def _shape(d: int, order: int) -> tuple[int, dict[str, int], str]:
    """Layers of a step, the blocks of the stream, and the block that holds the query."""
    if order == 3:
        return 1, {"a": d, "y": 1} | dict.fromkeys(("I", "T", "S", "R", "X"), d), "T"
    return order // 2, {"a": d, "y": 1} | dict.fromkeys(("I", "S", "X"), d) | {"w": 1}, "S"


class _Scaling(NamedTuple):
    """X_0 = constant I + slope S, and the c of each step, which is 1 for Newton's iteration."""

    constant: float
    slope: float
    scales: list[float]


def _scaling(
    steps: int,
    alpha: float | None,
    ridge: float,
    order: int,
    spectrum: tuple[float, float] | None,
) -> _Scaling:
    if spectrum is None:
        return _Scaling(0.0, alpha or 0.0, [1.0] * steps)
    lower, upper = (end + ridge for end in spectrum)
    constant, slope, scales = chebyshev_constants(lower, upper, order)
    return _Scaling(constant, slope, list(islice(scales, steps)))


def _quadratic(stream: Stream, scaling: _Scaling, ridge: float) -> Layers:
    """S, X_0 = c_0 I + c_1 S, then Newton steps scaled by c, then w and y_hat."""
    a, y, I, S, w, X = stream.rows("a", "y", "I", "S", "w", "X")
    constant, slope, scales = scaling
    start = [Head({"S": a, "X": slope * a}, key=a, query=I)]
    shift: Mapping[str, float] = {"S": ridge, "X": constant + slope * ridge}
    if shifted := {block: size * I for block, size in shift.items() if size}:
        start.append(Head(shifted, key=I, query=I))
    return [
        start,
        *(scaled_newton_step(stream, "S", scale) for scale in scales),
        [Head({"w": y}, key=a, query=X)],  # w^T = sum_i y_i a_i^T X
        [Head({"y": w}, key=I, query=S)],  # the query's column of S is a_test
    ]


def _cubic(stream: Stream, scaling: _Scaling, ridge: float) -> Layers:
    """Order 3, one layer a step: X <- X + c R (R + I) X, with the residual R = I - X S as a block.

    c is 1 for Newton's iteration. S is symmetric and X a polynomial in it, so R is its own
    transpose. ``inverse.py`` says why R <- (1 - c) R + c R^3 carries the correction I - X S - R.
    T holds a_test at the query token and nothing elsewhere. Every step makes the query's column q
    anew from X, q <- X a_test + c R (R + I) q, so an error of q is multiplied by c R (R + I), and
    forgotten as R vanishes.
    """
    constant, slope, scales = scaling
    a, y, I, T, S, X = stream.rows("a", "y", "I", "T", "S", "X")
    gram = [Head({"S": a}, key=a, query=I)]
    if ridge:
        gram.append(Head({"S": ridge * I}, key=I, query=I))
    X_0 = slope * S + constant * I if constant else slope * S
    start = [
        Head({"X": X_0}, key=I, query=I + T),
        Head({"R": -X_0}, key=S, query=I),
        Head({"R": I}, key=I, query=I),
    ]
    read = [Head({"y": y}, key=a, query=X)]
    return [gram, start, *(_cubic_step(stream, scale) for scale in scales), read]


def _cubic_step(stream: Stream, scale: float) -> list[Head]:
    """The step, and the query's column made anew."""
    I, T, X = stream.rows("I", "T", "X")
    anew = [Head({"X": X}, key=I, query=I + T), Head({"X": -I}, key=I, query=X)]
    return scaled_cubic_step(stream, "S", scale) + anew


def suited(condition: LinearCondition, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings with the spectrum of a condition's prompts baked in."""
    lower, upper = spectrum_of(condition)
    constants = {"spectrum": (lower, upper)} if "step" in settings else {"alpha": 1 / upper**2}
    return {"d": condition.d, "n": condition.n, **settings, **constants}


ENTRIES = {"least_squares": Construction(build_least_squares, "linear", suited)}
