"""This project's own findings on damped Newton as it is built: widths, gadgets and real data."""

from collections.abc import Iterator

import pandas as pd

from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import Evidence, Row, exactly, extreme
from icnewton.evaluation.estimates import Estimate, estimate
from icnewton.evaluation.laws import width_exponent

PLACE = 2


def width_law(evidence: Evidence) -> Iterator[Row]:
    """p in hidden width ~ eps^-p, measured on models with gadgets of given size."""
    for _, where, rows in evidence.by_mu("widths"):
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
    for _, where, rows in evidence.by_mu("budget"):
        full, label = _distance(rows, "all", "none"), f"{rows['prompt'].nunique()} prompts"
        text = "final distance with an exact sigma over that with no exact gadget"
        value = extreme([(label, _distance(rows, "without", "probability") - full)], True)
        yield Row("budget", where, text, "<=", 1e-9, value)
        others = [
            gadget for gadget in rows["gadget"].unique() if gadget not in ("none", "probability")
        ]
        pairs = ((gadget, _distance(rows, "without", gadget) - full) for gadget in others)
        text = "the same with any other gadget exact, smallest"
        yield Row("budget", where, text, ">=", 0.95, extreme(pairs, False, label))


def _distance(rows: pd.DataFrame, intervention: str, gadget: str) -> Estimate:
    """The median distance to the minimiser in the end."""
    chosen = rows[(rows["intervention"] == intervention) & (rows["gadget"] == gadget)]
    return estimate(chosen.sort_values("prompt")["distance"].to_numpy()[None, :, None])


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
