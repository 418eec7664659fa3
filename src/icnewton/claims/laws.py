"""Exact laws, held against every model: a wrong proof or a wrong model would break them."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import Evidence, Row, exactly
from icnewton.theory import bounds, minimax
from icnewton.theory.first_phase import gain, least_gain, relative_error

PLACE = 4
ROUNDING = 3e-13  # of answers of size 1 by a built model of four layers


def minimax_law(evidence: Evidence) -> Iterator[Row]:
    """No linear attention below 1 / T_m, and the minimax construction on it."""
    for condition, frame in evidence.responses.items():
        rows = frame[(frame["part"] == "identity") & frame["is_linear"]]
        if rows.empty:
            continue
        low, high = rows["eigenvalue"].min(), rows["eigenvalue"].max()
        known = rows.assign(error=rows["error"].fillna(np.inf))
        worst = known.groupby(["method", "seed", "layers"])["error"].max().reset_index()
        law = worst["layers"].map(partial(minimax.law, lower=low, upper=high))
        worst, law = worst[law > 10 * ROUNDING], law[law > 10 * ROUNDING]
        ratio = (worst["error"] + ROUNDING) / law
        least = worst.loc[ratio.idxmin()]
        where = f"least of {len(worst)} models: {least.method}, {least.layers} layers"
        text = "worst error over the exact law, smallest over linear attention models"
        yield Row("law", condition, text, ">=", 1 - 1e-9, exactly(ratio.min(), where))
        built = worst["method"] == "built_minimax"
        if built.any():
            excess = (worst["error"] - ROUNDING)[built] / law[built]
            where = f"{built.sum()} depths"
            text = "worst error of the minimax construction over the exact law, largest"
            yield Row("law", condition, text, "<=", 1 + 1e-4, exactly(excess.max(), where))


def first_phase(evidence: Evidence) -> Iterator[Row]:
    """What a damped step loses at least at any decrement: the theorem's constant, and every step of
    the built models beside what the theorem says of it.
    """
    if "steps" not in evidence.measurements:
        return
    text = "decrease of g in a step while its decrement is at least 1/6, proved"
    value = exactly(least_gain(), "at 1/6, mu = 1/3 and App. E.1's largest error")
    yield Row("first phase", "every mu", text, ">=", bounds.DECREASE, value)
    for mu, rows in evidence.measurements["steps"].groupby("mu"):
        ordered = rows.sort_values(["error", "prompt", "step"])
        lost = ordered.groupby(["error", "prompt"])["gap"].diff(-1)
        kept = gain(ordered["decrement"], relative_error(float(mu), ordered["step_error"]))
        spare = (lost - kept).dropna()
        text = "decrease of g in a step less what is proved for it, smallest"
        value = exactly(spare.min(), f"{len(spare)} steps")
        yield Row("first phase", f"mu = {mu:g}", text, ">=", -ROUNDING, value)


def descent(evidence: Evidence) -> Iterator[Row]:
    """How much of what is a function of the eigenvalue in LSA's residuals is GD++.

    Models count where half of r or more is such a function, and the query is no key.
    """
    if evidence.extraction is None:
        return
    for condition, rows in evidence.extraction.groupby("condition"):
        known = rows[(rows["method"] == "lsa") & (rows["size"] > 2 * rows["beyond_eigenvalue"])]
        if known.empty or evidence.facts[condition].query_as_key.get("lsa", True):
            continue
        squares = known[["size", "beyond_eigenvalue", "beyond_gdpp"]] ** 2
        explained, by_gdpp = (squares["size"] - squares[c] for c in squares.columns[1:])
        share = by_gdpp / explained
        least = known.loc[share.idxmin()]
        where = f"least of {len(known)} models: {least.layers} layers, seed {least.seed}"
        text = "share of what a function of lambda explains of trained LSA that GD++ explains"
        yield Row("GD++", condition, text, ">=", 0.9, exactly(share.min(), where), ("lsa",))


ENTRIES = {
    "GD++": Claim(
        "Our own: what trained LSA computes, where most of it is a function of the eigenvalue, is "
        "GD++ with as many layers.",
        descent,
        figures=("responses_polynomials",),
    ),
    "first phase": Claim(
        "Our own: a damped Newton step with an error up to App. E.1's bound lowers g by at least "
        "0.01217 at every decrement from 1/6 on, without a range of c and without a plot.",
        first_phase,
    ),
    "law": Claim(
        "Our own: no linear attention with L layers has a smaller worst error over spectra in "
        "[l, u] than 1 / T_m((u + l) / (u - l)), m = (3^L - 1) / 2, and one has it.",
        minimax_law,
        figures=("responses_boundary", "responses_polynomials"),
    ),
}
