"""The logistic half: Theorems 5.1, 5.2, 5.4 and 1.1, App. E.1 and Section 6."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import Evidence, Measurement, Row, exactly, extreme, worst
from icnewton.claims.parts.scope import Scope
from icnewton.evaluation.estimates import Estimate
from icnewton.evaluation.laws import (
    cost_of_squaring,
    error_exponent,
    fit_line,
    iterated_logarithm,
    layers_needed,
)
from icnewton.theory import bounds

PLACE = 1
ROUNDING = 1e-6  # a decrement whose square is lost in the rounding of the next
ROUNDED_GAP = 1e-15  # times 1 / mu: ten times the rounding of g at the minimiser

# Models of this project's recipe, and of the training of the paper's public code.
ENCODERS = {"softmax": "the encoder", "softmax_hidden-authors": "the encoder as published"}
NEWTON = "damped_newton"
GRADIENT_STEP = ("logistic_steepest_descent", 1)  # c mean(y a), c the best for each prompt
Found = tuple[str, float, Measurement]  # a quantity, its bound, what was measured
Compare = Callable[[tuple[str, int], tuple[str, int]], Estimate | None]
TRAINED = Scope("logistic", (*ENCODERS,), ("unnormalised", "normalised", "bounded"))


def _worst(values: pd.Series, rows: pd.DataFrame, largest: bool = True) -> Measurement:
    """The extreme of a column, with the error asked for of the row that has it."""

    def asked(label: Any) -> str:
        return f"at error {rows.loc[label, 'error']:g}"

    return worst(values, "steps of random prompts", largest, asked)


def _not_last(rows: pd.DataFrame) -> pd.DataFrame:
    """The iterates from which a step was made."""
    return rows[rows["step"] < rows["step"].max()]


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    """What the last step gave."""
    return rows[rows["step"] == rows["step"].max()]


def one_step(evidence: Evidence) -> Iterator[Row]:
    """T5.2: the error of a step over the one asked for, and the shape of a step against the
    statement.
    """
    for mu, where, rows in evidence.by_mu("steps"):
        text = "largest error of a step over the error asked for"
        made = _not_last(rows)
        yield Row("T5.2", where, text, "<=", 1, _worst(made["step_error"] / made["error"], rows))
        shapes = rows.drop_duplicates("error").sort_values("error")
        errors, count = shapes["error"], f"{len(shapes)} modules, read off their weights"
        stated = errors.map(lambda error, mu=mu: bounds.depth(mu, error))
        text = "layers of a step beyond 11 + 2k, largest"
        value = exactly((shapes["layers_per_step"] - stated).max(), count)
        yield Row("T5.2", where, text, "<=", 0, value)
        text = "rows of the residual stream, which exceed the theorem's 6d + 4 of input by at most"
        value = exactly((shapes["width"] - (6 * shapes["d"] + 4)).max(), count)
        yield Row("T5.2", where, text, "<=", 0, value)
        if len(shapes) > 1:
            growth = np.diff(np.log(shapes["hidden_width"])) / np.diff(np.log(1 / errors))
            constant = (shapes["hidden_width"] / shapes["d"] * (mu * errors) ** 0.5).iloc[0]
            finest = f"{constant:.3g} d / sqrt(mu eps) at eps = {errors.iloc[0]:g}"
            text = "p in hidden width ~ eps^-p, largest between two errors; the theorem has 4"
            yield Row("T5.2", where, text, "<=", 4, exactly(growth.max(), f"{count}; {finest}"))


def all_steps(evidence: Evidence) -> Iterator[Row]:
    """T5.1: how the distance to the minimiser after the last step falls with the error asked of a
    step, and the constant in front.

    The theorem's sqrt(eps (1 + mu) / (4 mu)) is so far above that a ratio to it would say nothing.
    """
    for mu, where, rows in evidence.by_mu("steps"):
        last = _last(rows)
        if last["error"].nunique() > 1:
            label = f"{last['prompt'].nunique()} random prompts, {last['error'].nunique()} errors"
            text = "p in final distance to the minimiser ~ eps^p; the theorem has 1/2"
            value = (*error_exponent(last, "distance"), label)
            yield Row("T5.1", where, text, ">=", 0.5, value)
        rate = bounds.distance(mu, 1.0)
        text = f"largest final distance over eps, where the theorem has {rate:.3g} / sqrt(eps)"
        yield Row("T5.1", where, text, "<=", 1, _worst(last["distance"] / last["error"], last))


def few_layers(evidence: Evidence) -> Iterator[Row]:
    """T1.1: what squaring the accuracy costs, at every accuracy that the built models reach and can
    square.
    """
    for _, where, rows in evidence.by_mu("steps"):
        needed = layers_needed(rows)
        cost = cost_of_squaring(needed)
        if cost.empty:
            continue
        accuracy, layers = needed["accuracy"].to_numpy(), needed["layers"].to_numpy(dtype=float)
        iterated = fit_line(iterated_logarithm(accuracy), layers)
        slope = f"{iterated.slope:.3g} layers for each unit of log2 log2 1/eps"
        text = "layers from an error of eps to eps^2, in layers of a Newton step, largest"
        prompts = f"the worst of {rows['prompt'].nunique()} random prompts has it"
        value = exactly(cost.max(), f"from {cost.idxmax():g}; {prompts}; fit: {slope}")
        yield Row("T1.1", where, text, "<=", 2, value)
        ratio_of_fits = fit_line(np.log2(1 / accuracy), layers).residual / iterated.residual
        text = "misfit of a line in log 1/eps to layers over that of one in log log 1/eps"
        where_from = f"{len(needed)} accuracies; layers come in whole steps: a factor of 2 is open"
        value = (ratio_of_fits, ratio_of_fits / 2, 2 * ratio_of_fits, where_from)
        yield Row("T1.1", where, text, ">=", 1, value)


def two_phases(evidence: Evidence) -> Iterator[Row]:
    """T5.4: what g loses while its decrement is at least 1/6, the contraction after, and the gap at
    the end.
    """
    for mu, where, rows in evidence.by_mu("steps"):
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
        yield from _final_gap(mu, where, _last(rows))


def _final_gap(mu: float, where: str, last: pd.DataFrame) -> Iterator[Row]:
    """How the gap of g in the end falls with the error asked for, where it is above rounding."""
    known = last.groupby("error").filter(lambda found: found["gap"].median() > ROUNDED_GAP / mu)
    if known["error"].nunique() > 1:
        constant = (known["gap"] / known["error"] ** 2).max()
        label = f"{known['error'].nunique()} errors; at most {constant:.3g} eps^2 on random prompts"
        text = "p in final gap of g ~ eps^p; the theorem has 1"
        yield Row("T5.4", where, text, ">=", 1, (*error_exponent(known, "gap"), label))


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

    No row can be met by c mean(y a), the best multiple of the gradient at 0 for each prompt.
    """
    excess, loss = (evidence.logistic_of(quantity) for quantity in ("excess", "loss"))
    for method, name in ENCODERS.items():
        for condition, depths in evidence.inside(TRAINED, method):
            against_excess = partial(excess.compare, condition)
            against_loss = partial(loss.compare, condition)
            for text, bound, value in (
                *_excess(against_excess, method, name, [L for L in depths if L]),
                *_converged(against_loss, evidence.steps(condition, NEWTON), method, name, depths),
            ):
                yield Row("S6e", condition, text, "<=", bound, value, (method,))


def _excess(compare: Compare, method: str, name: str, depths: list[int]) -> Iterator[Found]:
    """Excess loss of an encoder with layers over that of its rivals, and over its own."""
    pairs = []
    for L in depths:
        t = -(-L // bounds.LAYERS)
        pairs.append((f"{L} layers, {t} steps", compare((method, L), (NEWTON, t))))
        pairs.append((f"{L} layers, c mean(y a)", compare((method, L), GRADIENT_STEP)))
    text = (
        f"excess loss of {name} over Newton's after ceil(layers / 13) steps, and over that of "
        "c mean(y a) at best, largest over depths"
    )
    yield text, 1, extreme(pairs, True)
    deepest = (method, depths[-1]) if depths else (method, 0)
    ends = [(f"{deepest[1]} over {L} layers", compare(deepest, (method, L))) for L in depths[:-1]]
    text = f"excess loss of {name}, deepest over shallowest with layers"
    yield text, 0.5, extreme(ends[:1], True)
    trivial = [(f"{L} layers", compare((method, L), GRADIENT_STEP)) for L in depths[-1:]]
    text = f"excess loss of {name} at the deepest over that of c mean(y a) at best"
    yield text, 0.5, extreme(trivial, True)


def _converged(
    compare: Compare, steps: list[int], method: str, name: str, depths: list[int]
) -> Iterator[Found]:
    """Loss of an encoder over Newton's converged loss: within a twentieth, or within half of what
    c mean(y a) is away, whichever is less.
    """
    for last in steps[-1:]:
        pairs = [(f"{L} layers", compare((method, L), (NEWTON, last))) for L in depths[-1:]]
        lacking = compare(GRADIENT_STEP, (NEWTON, last))
        bound = 1.05 if lacking is None else min(1.05, 1 + (lacking.number - 1) / 2)
        text = f"loss of {name} at the deepest over Newton's converged loss"
        yield text, bound, extreme(pairs, True)


ENTRIES = {
    "T1.1": Claim(
        "Layers of order log log 1/eps reach an error of eps: squaring the error costs a bounded "
        "number of them.",
        few_layers,
        figures=("built_layers",),
    ),
    "T5.1": Claim(
        "T steps end within O(sqrt(eps (1 + mu) / (4 mu))) of the minimiser.",
        all_steps,
    ),
    "T5.2": Claim(
        "A damped-Newton step within eps: depth at most 11 + 2k, k <= 2 log kappa_f + "
        "log log((1 + mu)^3 / (eps^2 mu^2)), width O(d (1 + mu)^6 / (eps^4 mu^8)), logarithms to "
        "base 2, input of 6d + 4 rows.",
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
}
