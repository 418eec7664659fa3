"""Exact laws, held against every model: a wrong proof or a wrong model would break them."""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import NormalDist

import numpy as np
import pandas as pd

from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import Evidence, Row, exactly, worst
from icnewton.evaluation.statistics import LEVEL
from icnewton.theory import bounds, minimax, triangle
from icnewton.theory.first_phase import gain, least_gain, relative_error

PLACE = 5
ROUNDING = 3e-13  # of answers of size 1 by a built model of four layers


def exact_laws(evidence: Evidence) -> Iterator[Row]:
    """No linear attention below either law, and their constructions on them."""
    for condition, frame in evidence.responses.items():
        rows = frame[frame["is_linear"]].assign(error=frame["error"].fillna(np.inf))
        bounded, wide = (rows[rows["part"] == part] for part in ("identity", "triangle"))
        if len(bounded):
            ends = bounded["eigenvalue"].min(), bounded["eigenvalue"].max()
            law = partial(minimax.law, lower=ends[0], upper=ends[1])
            best = ("minimax construction", "built_minimax", 1e-4)
            yield from _law("law", condition, bounded, law, best)
        if len(wide):
            law = partial(triangle.law, upper=wide["eigenvalue"].max())
            best = ("triangle of GD++", "built_gdpp", 1e-9)
            scaled = wide.assign(error=wide["error"] * wide["eigenvalue"] ** 0.5)
            yield from _law("triangle law", condition, scaled, law, best)


def _law(
    claim: str,
    condition: str,
    rows: pd.DataFrame,
    law: Callable[[int], float],
    best: tuple[str, str, float],
) -> Iterator[Row]:
    """A law, of the number of layers, against the errors of all models, and of the best one: its
    name, its method and how near it comes.
    """
    found = rows.groupby(["method", "seed", "layers"])["error"].max().reset_index()
    laws = found["layers"].map(law)
    found, laws = found[laws > 10 * ROUNDING], laws[laws > 10 * ROUNDING]
    ratio = (found["error"] + ROUNDING) / laws
    least = found.loc[ratio.idxmin()]
    where = f"least of {len(found)} models: {least.method}, {least.layers} layers"
    text = "worst error over the exact law, smallest over linear attention models"
    yield Row(claim, condition, text, ">=", 1 - 1e-9, exactly(ratio.min(), where))
    name, method, near = best
    built = found["method"] == method
    if built.any():
        excess = (found["error"] - ROUNDING)[built] / laws[built]
        text = f"worst error of the {name} over the exact law, largest"
        where = f"{built.sum()} depths, the eigenvalues that the proof names among those tried"
        yield Row(claim, condition, text, "<=", 1 + near, exactly(excess.max(), where))


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
        value = worst(spare, "steps of random prompts", largest=False)
        yield Row("first phase", f"mu = {mu:g}", text, ">=", -ROUNDING, value)


def descent(evidence: Evidence) -> Iterator[Row]:
    """How much of what is a function of the eigenvalue in LSA's residuals is GD++.

    Models count where half of r or more is such a function, and the query is no key. Intervals are
    normal ones, all at once by Bonferroni's inequality.
    """
    if evidence.extraction is None:
        return
    for condition, rows in evidence.extraction.groupby("condition"):
        known = rows[(rows["method"] == "lsa") & (rows["size"] > 2 * rows["beyond_eigenvalue"])]
        if known.empty or evidence.facts[condition].query_as_key.get("lsa", True):
            continue
        least = known.loc[known["share"].idxmin()]
        each = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / len(known)) * known["share_error"]
        where = f"least of {len(known)} models: {least.layers} layers, seed {least.seed}"
        text = "share of what a function of lambda explains of trained LSA that GD++ explains"
        low, high = ((known["share"] + sign * each).min() for sign in (-1, 1))
        value = (float(least.share), float(low), float(high), where)
        yield Row("GD++", condition, text, ">=", 0.9, value, ("lsa",))


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
        exact_laws,
        figures=("responses_boundary", "responses_polynomials"),
    ),
    "triangle law": Claim(
        "Our own: no linear attention with L layers has a worst training residual over spectra in "
        "(0, u] below sqrt(u) / 3^L, whatever the condition number, and GD++ with one head has it.",
        exact_laws,
    ),
}
