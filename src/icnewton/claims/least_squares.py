"""Least squares as it is built: Lemma 4.1 and Theorem 4.2."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd

from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import Evidence, Row, exactly, worst

PLACE = 3
EXACT = 1e-11  # relative error up to which a built model counts as executing its algorithm


def constructions(evidence: Evidence) -> Iterator[Row]:
    """L4.1, L4.1s and T4.2: errors against the algorithm, and shapes, read off the modules, against
    the statement.
    """
    if "constructions" not in evidence.measurements:
        return
    checks = evidence.measurements["constructions"]
    checks = checks[checks["order"] == 2]
    shapes = {
        ("L4.1", "any"): (2 * checks["steps"], 4 * checks["d"]),
        ("L4.1s", "symmetric"): (checks["steps"], 4 * checks["d"]),
        ("T4.2", "gram"): (3 + checks["steps"], 4 * checks["d"] + 3),
    }
    for (claim, matrix), (depth, width) in shapes.items():
        rows = checks[checks["matrix"] == matrix]
        value = worst(rows["error"], "settings, random problems each", at=partial(_words, rows))
        text = "relative error against the algorithm"
        yield Row(claim, "random problems", text, "<=", EXACT, value)
        parts = [
            rows["depth"] - depth[rows.index],
            rows["width"] - width[rows.index],
            rows["heads"] - 2,
            rows["hidden_width"],
        ]
        text = "layers, width, heads or hidden width beyond the statement"
        value = exactly(pd.concat(parts).max(), f"{len(rows)} modules, read off their weights")
        yield Row(claim, "random problems", text, "<=", 0, value)


def _words(rows: pd.DataFrame, label: Any) -> str:
    """The setting of a row."""
    row = rows.loc[label]
    return f"d = {row.d:g}, κ = {row.kappa:g}, T = {row.steps:g}"


ENTRIES = {
    "L4.1": Claim(
        "One Newton step for any A: 2 linear-attention layers, 2 heads each, width 4d, "
        "no feed-forward.",
        constructions,
    ),
    "L4.1s": Claim("For symmetric A one layer suffices.", constructions),
    "T4.2": Claim(
        "T Newton steps and the prediction: 3 + T layers, 2 heads, width at most 4d + 3.",
        constructions,
    ),
}
