"""The claims table as a frame, as HTML and as captions; verdicts differ in symbol and word, not in
colour alone.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from icnewton.claims import linear, logistic
from icnewton.claims.parts.evidence import FAILS, HOLDS, NOTHING, UNDECIDED, UNTESTED, Evidence, Row

MEASURES = {**logistic.MEASURES, **linear.MEASURES}
STATEMENTS = {
    claim: statement for claims in MEASURES.values() for claim, statement in claims.items()
}
SYMBOLS = {HOLDS: "&#10003; ", FAILS: "&#10007; ", UNDECIDED: "&#8776; ", UNTESTED: "&ndash; "}
STYLE = """<style>
.claims { border-collapse: collapse; font: 14px/1.4 system-ui, sans-serif; font-variant-numeric: tabular-nums }
.claims td, .claims th { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left; vertical-align: top }
.claims .statement { background: #f3f5f7; font-weight: 600; padding-top: .6rem } .claims .number { white-space: nowrap }
.claims .holds { color: #00664a } .claims .fails { color: #a33b00 } .claims .untested { color: #555 }
.claims td:nth-child(4) { min-width: 15rem } .claims td:nth-child(6) { min-width: 12rem }
.claims .verdict { font-weight: 600; min-width: 6rem }
</style>"""


def assess(evidence: Evidence) -> list[Row]:
    """Every claim's rows, in the order of the paper; a claim that nothing measures here has one row
    that says so.
    """
    rows = []
    for measure, claims in MEASURES.items():
        found = list(measure(evidence))
        missing = [claim for claim in claims if claim not in {row.claim for row in found}]
        rows += found + [
            Row(claim, "-", "no measurement", "<=", np.nan, NOTHING) for claim in missing
        ]
    return rows


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """One line a row: claim, statement, condition, quantity, criterion, number with interval,
    where, verdict.
    """
    return pd.DataFrame(
        {
            "claim": row.claim,
            "statement": STATEMENTS[row.claim],
            "condition": row.condition,
            "quantity": row.quantity,
            "criterion": f"{row.sense} {row.bound:g}",
            **dict(zip(("measured", "low", "high", "where"), row.measurement, strict=True)),
            "verdict": row.verdict,
        }
        for row in rows
    )


def html(rows: Iterable[Row]) -> str:
    """The table as an HTML fragment with its own style, one heading for each claim's statement."""
    header = "".join(
        f"<th>{name}</th>"
        for name in ("verdict", "measured [95 %]", "criterion", "quantity", "condition", "where")
    )
    lines, last = [f"<tr>{header}</tr>"], None
    for row in rows:
        if row.claim != last:
            last = row.claim
            lines.append(
                f"<tr><td class='statement' colspan='6'>{last}. {escape(STATEMENTS[last])}</td></tr>"
            )
        lines.append(_line(row))
    return f"{STYLE}<table class='claims'>{''.join(lines)}</table>"


def _line(row: Row) -> str:
    style = {HOLDS: "holds", FAILS: "fails"}.get(row.verdict, "untested")
    cells = (row.quantity, row.condition, row.measurement[3])
    return (
        f"<tr><td class='verdict {style}'>{SYMBOLS[row.verdict]}{row.verdict}</td><td class='number'>{_number(row)}</td>"
        f"<td class='number'>{escape(row.sense)} {row.bound:g}</td>{''.join(f'<td>{escape(c)}</td>' for c in cells)}</tr>"
    )


def _number(row: Row) -> str:
    measured, low, high, _ = row.measurement
    if np.isnan(measured):
        return "&ndash;"
    return f"{measured:.3g}" + (f" [{low:.3g}, {high:.3g}]" if low < high else "")


def caption(rows: Iterable[Row], figure: Mapping[str, Any]) -> str:
    """The rows that a figure of a kind, conditions and families bears on, as reStructuredText."""
    lines = []
    for row in rows:
        shown = row.condition in figure["conditions"] and row.family in figure["families"]
        if figure["kind"] in row.kinds and (shown or not row.family):
            number = _number(row).replace("&ndash;", "no number")
            text = f"{row.quantity}: {number}, {row.measurement[3]}; criterion {row.sense} {row.bound:g}"
            escaped = text.replace("|", r"\|")  # |c| would be a substitution
            lines.append(f"* **{row.claim} {row.verdict}** ({row.condition}): {escaped}.")
    return "\n".join(["", *lines, ""])
