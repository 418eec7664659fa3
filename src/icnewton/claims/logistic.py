"""The logistic half: Theorems 5.1, 5.2, 5.4 and 1.1, App. E.1, Section 6, and this project's own
findings.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import NOTHING, Evidence, Measurement, Row, exactly, extreme
from icnewton.claims.parts.scope import Scope
from icnewton.evaluation.laws import (
    cost_of_squaring,
    fit_line,
    iterated_logarithm,
    layers_needed,
    width_exponent,
)
from icnewton.evaluation.statistics import ratio
from icnewton.theory import bounds

PLACE = 1
ROUNDING = 1e-6  # a decrement whose square is lost in the rounding of the next

# Models of this project's recipe, and of the training of the paper's public code.
ENCODERS = {"softmax": "the encoder", "softmax_hidden-authors": "the encoder as published"}
GRADIENT_STEP = ("logistic_gradient_descent", 1)
TRAINED = Scope("logistic", (*ENCODERS,), ("unnormalised", "normalised", "bounded"))


def _by_mu(evidence: Evidence, measurement: str) -> Iterator[tuple[float, str, pd.DataFrame]]:
    """A measurement's rows for each mu; nothing where it was not made."""
    if measurement in evidence.measurements:
        for mu, rows in evidence.measurements[measurement].groupby("mu", sort=False):
            yield float(mu), f"built, mu = {mu:g}", rows  # type: ignore[arg-type]


def _worst(values: pd.Series, rows: pd.DataFrame, largest: bool = True) -> Measurement:
    """The extreme of a column with the setting that has it; not a number counts as the worst."""
    if values.empty:
        return NOTHING
    known = values.fillna(np.inf if largest else -np.inf)
    at = rows.loc[known.idxmax() if largest else known.idxmin()]
    return exactly(
        known.max() if largest else known.min(),
        f"{len(known)} steps of prompts; at error {at.error:g}",
    )


def _not_last(rows: pd.DataFrame) -> pd.DataFrame:
    """The iterates from which a step was made."""
    return rows[rows["step"] < rows["step"].max()]


def one_step(evidence: Evidence) -> Iterator[Row]:
    """T5.2: the error of a step over the one asked for, and depth and width against the
    statement.
    """
    for mu, where, rows in _by_mu(evidence, "steps"):
        text = "largest error of a step over the error asked for"
        made = _not_last(rows)
        yield Row("T5.2", where, text, "<=", 1, _worst(made["step_error"] / made["error"], rows))
        text = "layers of a step beyond 11 + 2k, largest"
        stated = rows["error"].map(lambda error, mu=mu: bounds.depth(mu, error))
        yield Row("T5.2", where, text, "<=", 0, _worst(rows["layers_per_step"] - stated, rows))
        wide = rows["width"] - (6 * rows["d"] + 4)
        text = "rows of the residual stream beyond 6d + 4, largest"
        yield Row("T5.2", where, text, "<=", 0, _worst(wide, rows))
        text = "hidden width over d (1 + mu)^6 / (eps^4 mu^8), largest"
        d = int(rows["d"].iloc[0])
        stated = rows["error"].map(lambda error, mu=mu, d=d: bounds.width(d, mu, error))
        yield Row("T5.2", where, text, "<=", 1, _worst(rows["hidden_width"] / stated, rows))


def all_steps(evidence: Evidence) -> Iterator[Row]:
    """T5.1: the distance to the minimiser after the last step, in units of sqrt(eps (1 + mu) / (4
    mu)).
    """
    for mu, where, rows in _by_mu(evidence, "steps"):
        last = rows[rows["step"] == rows["step"].max()]
        unit = last["error"].map(lambda error, mu=mu: bounds.distance(mu, error))
        text = "largest distance to the minimiser over sqrt(eps (1 + mu) / (4 mu))"
        yield Row("T5.1", where, text, "<=", 1, _worst(last["distance"] / unit, last))


def few_layers(evidence: Evidence) -> Iterator[Row]:
    """T1.1: what squaring the accuracy costs, at every accuracy that the built models reach and can
    square.
    """
    for _, where, rows in _by_mu(evidence, "steps"):
        needed = layers_needed(rows)
        cost = cost_of_squaring(needed)
        if cost.empty:
            continue
        accuracy, layers = needed["accuracy"].to_numpy(), needed["layers"].to_numpy(dtype=float)
        iterated = fit_line(iterated_logarithm(accuracy), layers)
        slope = f"{iterated.slope:.3g} layers for each unit of log2 log2 1/eps"
        text = "Newton steps of layers from an error of eps to eps^2, largest"
        value = exactly(cost.max(), f"from {cost.idxmax():g}; fit: {slope}")
        yield Row("T1.1", where, text, "<=", 2, value)
        ratio_of_fits = fit_line(np.log2(1 / accuracy), layers).residual / iterated.residual
        text = "residual of layers against log 1/eps over that against log log 1/eps"
        where_from = f"{len(needed)} accuracies; whole layers leave a factor of 2 open"
        value = (ratio_of_fits, ratio_of_fits / 2, 2 * ratio_of_fits, where_from)
        yield Row("T1.1", where, text, ">=", 1, value)


def two_phases(evidence: Evidence) -> Iterator[Row]:
    """T5.4: what g loses while its decrement is at least 1/6, the contraction after, and the gap at
    the end.
    """
    for mu, where, rows in _by_mu(evidence, "steps"):
        small = rows[rows["error"] <= bounds.phases_error(mu)]
        small = small.sort_values(["error", "prompt", "step"])
        following = small.groupby(["error", "prompt"])[["gap", "decrement"]].shift(-1)
        made = _not_last(small)
        decrease = (small["gap"] - following["gap"])[made.index][made["decrement"] >= bounds.PHASE]
        value = _worst(decrease, small, largest=False)
        text = "smallest decrease of g in a step while its decrement is at least 1/6"
        yield Row("T5.4", where, text, ">=", bounds.DECREASE, value)
        late = made[(made["decrement"] < bounds.PHASE) & (made["decrement"] > ROUNDING)]
        allowed = bounds.next_decrement(late["decrement"], mu, late["step_error"])
        value = _worst(following["decrement"][late.index] / allowed, small)
        text = (
            "largest decrement after a step, below 1/6, over 2 (decrement)^2 and what the step's "
            "error adds"
        )
        yield Row("T5.4", where, text, "<=", 1, value)
        last = small[small["step"] == small["step"].max()]
        value = _worst(last["gap"] / last["error"], last)
        yield Row("T5.4", where, "largest final gap of g over eps", "<=", 1, value)


def constant_decrease(evidence: Evidence) -> Iterator[Row]:
    """App. E.1: enclosures of dh/dx and of h(1/6) over the whole range, not maxima of a plot."""
    if "decrease" not in evidence.measurements:
        return
    decrease = evidence.measurements["decrease"]
    for function, text, limit in (
        ("slope", "dh/dx on [1/6, 1], |c| <= 0.06: enclosed from above by", 0.0),
        ("value", "h(1/6), |c| <= 0.012: enclosed from above by", -0.01),
    ):
        rows = decrease[decrease["function"] == function]
        value = exactly(rows["enclosure"].max(), f"largest on a grid: {rows['value'].max():.4g}")
        yield Row("E.1", "c' <= 1e-4", text, "<=", limit, value)


def trained(evidence: Evidence) -> Iterator[Row]:
    """S6e: excess loss of the trained encoder over Newton's at 13 layers a step; against depth; the
    loss at the deepest.
    """
    for method, name in ENCODERS.items():
        for condition, depths in evidence.inside(TRAINED, method):
            yield from _encoder(evidence, condition, method, name, depths)


def _encoder(
    evidence: Evidence, condition: str, method: str, name: str, depths: list[int]
) -> Iterator[Row]:
    """The rows of one kind of encoder at one condition."""
    excess, loss = (evidence.logistic_of(quantity) for quantity in ("excess", "loss"))
    deepest, methods = (method, depths[-1]), (method,)
    pairs = []
    for L in filter(None, depths):
        t = -(-L // bounds.LAYERS)
        ratios = excess.compare(condition, (method, L), ("damped_newton", t))
        pairs.append((f"{L} layers, {t} steps", ratios))
    text = f"excess loss of {name} over Newton's after ceil(layers / 13) steps, largest over depths"
    yield Row("S6e", condition, text, "<=", 1, extreme(pairs, True), methods)
    ends = [
        (f"{depths[-1]} over {L} layers", excess.compare(condition, deepest, (method, L)))
        for L in depths[:1]
        if len(depths) > 1
    ]
    text = f"excess loss of {name}, deepest over shallowest"
    yield Row("S6e", condition, text, "<=", 0.5, extreme(ends, True), methods)
    trivial = [(f"{depths[-1]} layers", excess.compare(condition, deepest, GRADIENT_STEP))]
    text = f"excess loss of {name} at the deepest over that of one gradient step, c mean(y a)"
    yield Row("S6e", condition, text, "<=", 0.5, extreme(trivial, True), methods)
    meets = [
        (f"{depths[-1]} layers", loss.compare(condition, deepest, ("damped_newton", last)))
        for last in evidence.steps(condition, "damped_newton")[-1:]
    ]
    text = f"loss of {name} at the deepest over Newton's converged loss"
    yield Row("S6e", condition, text, "<=", 1.05, extreme(meets, True), methods)


def width_law(evidence: Evidence) -> Iterator[Row]:
    """p in hidden width ~ eps^-p, measured on models with gadgets of given size."""
    for _, where, rows in _by_mu(evidence, "widths"):
        widths = sorted(rows["hidden_width"].unique())
        if len(widths) < 2:
            continue
        label = f"hidden widths {widths[0]} to {widths[-1]}, {rows['prompt'].nunique()} prompts"
        text = "p in hidden width ~ (largest error of a step)^-p"
        yield Row("width", where, text, "<=", 0.55, (*width_exponent(rows), label))


def error_budget(evidence: Evidence) -> Iterator[Row]:
    """Which gadget's error is left in the end: distances with one gadget made exact over the
    distance with none.
    """
    for _, where, rows in _by_mu(evidence, "budget"):
        full = _distances(rows, "all", "none")
        text = "final distance with an exact sigma over that with no exact gadget"
        value = ratio(_distances(rows, "without", "probability"), full)
        yield Row("budget", where, text, "<=", 0.01, (*value, f"{len(full)} prompts"))
        others = [
            gadget for gadget in rows["gadget"].unique() if gadget not in ("none", "probability")
        ]
        pairs = ((gadget, ratio(_distances(rows, "without", gadget), full)) for gadget in others)
        text = "the same with any other gadget exact, smallest"
        yield Row("budget", where, text, ">=", 0.95, extreme(pairs, False))


def _distances(rows: pd.DataFrame, intervention: str, gadget: str) -> np.ndarray:
    chosen = rows[(rows["intervention"] == intervention) & (rows["gadget"] == gadget)]
    return chosen.sort_values("prompt")["distance"].to_numpy()[:, None]


def real_data(evidence: Evidence) -> Iterator[Row]:
    """The breast-cancer data: the built transformer against scikit-learn."""
    if "breast_cancer" not in evidence.measurements:
        return
    rows = evidence.measurements["breast_cancer"].set_index("method")
    built = rows.loc["built_damped_newton"]
    sizes = f"d = {built['d']:.0f}, n = {built['n']:.0f}, mu = {built['mu']:g}"
    value = exactly(built["relative"], f"{sizes}, {built['layers']:.0f} layers")
    text = "built: relative distance from scikit-learn's weights"
    yield Row("cancer", "breast cancer", text, "<=", 1e-4, value)
    difference = abs(built["accuracy"] - rows.loc["scikit-learn", "accuracy"])
    value = exactly(difference, f"accuracy {built['accuracy']:.4f}")
    yield Row("cancer", "breast cancer", "difference of training accuracies", "<=", 0, value)


ENTRIES = {
    "T1.1": Claim(
        "Layers of order log log 1/eps reach an error of eps: squaring the error costs a bounded "
        "number of them.",
        few_layers,
        figures=("built_layers",),
    ),
    "T5.1": Claim(
        "T steps end within O(sqrt(eps (1 + mu) / (4 mu))) of the minimiser; the constant tested "
        "is 1.",
        all_steps,
    ),
    "T5.2": Claim(
        "A damped-Newton step within eps: depth at most 11 + 2k, k <= 2 log kappa_f + "
        "log log((1 + mu)^3 / (eps^2 mu^2)), width O(d (1 + mu)^6 / (eps^4 mu^8)); base-2 logs, "
        "the constant tested is 1.",
        one_step,
    ),
    "T5.4": Claim(
        "g = f / (4 mu) loses at least 0.01 a step while its decrement is at least 1/6, then "
        "quadratic.",
        two_phases,
    ),
    "E.1": Claim(
        "h is decreasing on [1/6, 1] for |c| <= 0.06, and h(1/6) <= -0.01 for |c| <= 0.012.",
        constant_decrease,
        figures=("built_decrease",),
    ),
    "S6e": Claim(
        "Trained transformers approach Newton on logistic regression in few layers (13 layers a "
        "Newton step).",
        trained,
        TRAINED,
        ("logistic_loss", "logistic_layers", "logistic_training"),
    ),
    "width": Claim(
        "Our own: the width of a step grows no faster than about eps^(-1/2), not as eps^-4.",
        width_law,
        figures=("built_width",),
    ),
    "budget": Claim(
        "Our own: only the gradient's sigma leaves an error in the end; the others cost steps, "
        "not accuracy.",
        error_budget,
        figures=("built_budget",),
    ),
    "cancer": Claim(
        "Our own: on real data the built transformer is regularised logistic regression.",
        real_data,
    ),
}
