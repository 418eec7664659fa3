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
whatever the condition number. No linear attention of L layers has less (``theory/triangle.py``).

Other scalars (``parts/scalars.py``): *minimax* ones have a small max |r| on an interval, *fitted*
ones a small mean error over prompts of a condition.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from icnewton.constructions import Construction
from icnewton.constructions.inverse import Layers
from icnewton.constructions.parts.budget import BUDGET, afford_depth
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.constructions.parts.heads import Head, compile_layers
from icnewton.constructions.parts.scalars import (
    Scalars,
    fit_gdpp,
    minimax_scalars,
    triangle_scalars,
)
from icnewton.models.built_formats import DescentFormat
from icnewton.models.model import Model, assemble
from icnewton.models.stream import Stream
from icnewton.problems.linear import LinearCondition

MOST_STEPS = 300  # 9^300 is the end of float64
MOST_FITTED = 8  # layers whose scalars are searched for
KINDS = ("triangle", "minimax", "fitted", "guarded")


def build_gdpp(
    *,
    d: int,
    steps: int | None = None,
    upper: float | None = None,
    spectrum: tuple[float, float] | None = None,
    gammas: tuple[float, ...] | None = None,
    etas: tuple[float, ...] | None = None,
    budget: int = BUDGET,
) -> Model:
    """``model(x, y) -> y_hat``, float64, for prompts of any length.

    x is ``(batch, n + 1, d)`` with the query last, y ``(batch, n)`` and y_hat ``(batch,)``.
    ``steps`` is the number of layers. Their scalars are the triangle's for ``upper``, a bound on
    the eigenvalues of A^T A; minimax ones for ``spectrum``, bounds on both sides; or those given,
    without ``steps`` and with ``etas`` one fewer than ``gammas``. Raises ValueError on anything
    else, on d < 1, steps < 1, and on weights of more than ``budget`` bytes.
    """
    if d < 1:
        raise ValueError(f"d must be at least 1, found {d}")
    afford_depth(len(gammas or ()) or steps or 0)
    assumed = {"steps": steps, "upper": upper, "spectrum": spectrum and list(spectrum)}
    if gammas is None and etas is None:
        chosen = _made(steps, upper, spectrum)
    else:
        chosen = _given(assumed, gammas or (), etas or ())
    format = DescentFormat(d)
    layers = _layers(format.stream, chosen)
    origin = {"gammas": list(chosen.gammas), "etas": list(chosen.etas)}
    return assemble(
        format,
        compile_layers(format.stream, layers, budget=budget, query_as_key=False),
        family="gdpp",
        kind="built",
        claim="GD++",
        layers_per_step=1,
        origin={"d": d} | assumed | origin,
    )


def _layers(stream: Stream, scalars: Scalars) -> Layers:
    x, y = stream.rows("x", "y")
    layers = []
    for gamma, eta in zip(scalars.gammas, [*scalars.etas, 0.0], strict=True):
        moves = {"x": -eta * x, "y": -gamma * y} if eta else {"y": -gamma * y}
        layers.append([Head(moves, key=x, query=x)])
    return layers


def _made(steps: int | None, upper: float | None, spectrum: tuple[float, float] | None) -> Scalars:
    if spectrum is not None and upper is None and steps is not None and 1 <= steps <= MOST_FITTED:
        if not 0 < spectrum[0] <= spectrum[1]:
            raise ValueError(f"the spectrum must satisfy 0 < lower <= upper, found {spectrum}")
        return minimax_scalars(steps, *spectrum)
    known = upper is not None and 0 < upper < math.inf and spectrum is None
    if steps is None or steps < 1 or upper is None or not known:
        words = f"steps of at least 1 and upper > 0, or spectrum and steps up to {MOST_FITTED}"
        found = f"{steps=}, {upper=}, {spectrum=}"
        raise ValueError(f"expected {words}, or gammas and etas, found {found}")
    if steps < MOST_STEPS:
        scalars = triangle_scalars(steps, upper)
        if math.isfinite(scalars.gammas[-1]):
            return scalars
    raise ValueError(f"steps and upper must give finite scalars, found {steps=}, {upper=}")


def _given(
    assumed: Mapping[str, object], gammas: tuple[float, ...], etas: tuple[float, ...]
) -> Scalars:
    others = [name for name, value in assumed.items() if value is not None]
    if others or len(etas) != len(gammas) - 1:
        words = "gammas and one fewer of etas, and no steps, upper or spectrum"
        raise ValueError(f"expected {words}, found {gammas=}, {etas=}, {assumed}")
    if not all(math.isfinite(scalar) and scalar for scalar in (*gammas, *etas)):
        raise ValueError(f"gammas and etas must be finite and not 0, found {gammas=}, {etas=}")
    return Scalars(gammas, etas)


def suited(condition: LinearCondition, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings that suit a condition's prompts.

    ``scalars`` among them is ``triangle``, which it is if left out, ``minimax``, ``fitted`` or
    ``guarded``.
    """
    if "gammas" in settings:
        return {"d": condition.d, **{k: v for k, v in settings.items() if k != "steps"}}
    others = {key: value for key, value in settings.items() if key != "scalars"}
    kind = settings.get("scalars", "triangle")
    if kind in ("fitted", "guarded"):
        found = fit_gdpp(condition, others.pop("steps"), guarded=kind == "guarded")
        return {"d": condition.d, **found.settings, **others}
    spectrum = spectrum_of(condition)
    ends = {"spectrum": spectrum} if kind == "minimax" else {"upper": spectrum[1]}
    return {"d": condition.d, **ends, **others}


def refused(condition: LinearCondition, settings: Mapping[str, Any]) -> Iterator[str]:
    """Scalars of an unknown kind."""
    if (kind := settings.get("scalars", "triangle")) not in KINDS:
        yield f"scalars: expected one of {', '.join(KINDS)}, found {kind!r}"


ENTRIES = {"gdpp": Construction(build_gdpp, "linear", suited, refused=refused)}
