"""The claims table as a frame, as HTML and as captions; verdicts differ in symbol and word, not in
colour alone.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from icnewton.claims.parts.claim import all_claims
from icnewton.claims.parts.evidence import (
    FAILS,
    HOLDS,
    NOT_APPLICABLE,
    NOTHING,
    UNDECIDED,
    UNTESTED,
    Evidence,
    Row,
)

SYMBOLS = {
    HOLDS: "&#10003; ",
    FAILS: "&#10007; ",
    UNDECIDED: "&#8776; ",
    UNTESTED: "&ndash; ",
    NOT_APPLICABLE: "&#8709; ",
}
STYLE = """<style>
.claims { border-collapse: collapse; font: 14px/1.4 system-ui, sans-serif;
  font-variant-numeric: tabular-nums }
.claims td, .claims th { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left;
  vertical-align: top }
.claims .statement { background: #f3f5f7; font-weight: 600; padding-top: .6rem }
.claims .number { white-space: nowrap }
.claims .holds { color: #00664a } .claims .fails { color: #a33b00 }
.claims .untested { color: #555 }
.claims td:nth-child(4) { min-width: 15rem } .claims td:nth-child(6) { min-width: 12rem }
.claims .verdict { font-weight: 600; min-width: 6rem }
.claims .outside { color: #666 } .claims .outside .verdict { font-weight: 400 }
</style>"""


def assess(evidence: Evidence) -> list[Row]:
    """Every claim's rows, claim by claim: what is measured, or one row that says that nothing is;
    then the conditions at which the claim is not applicable.
    """
    claims = all_claims()
    rows: list[Row] = []
    for measure in dict.fromkeys(claim.measure for claim in claims.values()):
        rows += measure(evidence)
    measured = {row.claim for row in rows}
    for name, claim in claims.items():
        if name not in measured:
            rows.append(Row(name, "-", "no measurement", "<=", np.nan, NOTHING))
        for condition, methods, reason in evidence.outside(claim.scope) if claim.scope else ():
            value = (np.nan, np.nan, np.nan, reason)
            text = "outside what the claim is about"
            rows.append(Row(name, condition, text, "<=", np.nan, value, methods, False))
    order = list(claims)
    return sorted(rows, key=lambda row: order.index(row.claim))


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """One line a row: claim, statement, condition, quantity, criterion, number with interval,
    where, verdict, the learned methods that it speaks of.
    """
    return pd.DataFrame(
        {
            "claim": row.claim,
            "statement": all_claims()[row.claim].statement,
            "condition": row.condition,
            "quantity": row.quantity,
            "criterion": row.criterion,
            **dict(zip(("measured", "low", "high", "where"), row.measurement, strict=True)),
            "verdict": row.verdict,
            "methods": " ".join(row.methods),
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
            statement = escape(all_claims()[last].statement)
            lines.append(f"<tr><td class='statement' colspan='6'>{last}. {statement}</td></tr>")
        lines.append(_line(row))
    return f"{STYLE}<table class='claims'>{''.join(lines)}</table>"


def _line(row: Row) -> str:
    style = {HOLDS: "holds", FAILS: "fails"}.get(row.verdict, "untested")
    start = "<tr>" if row.applicable else "<tr class='outside'>"
    cells = (row.quantity, row.condition, row.measurement[3])
    return (
        f"{start}<td class='verdict {style}'>{SYMBOLS[row.verdict]}{row.verdict}</td>"
        f"<td class='number'>{_number(row)}</td><td class='number'>{escape(row.criterion)}</td>"
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
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
        claim = all_claims()[row.claim]
        drawn = row.condition in figure["conditions"] and set(row.methods) & set(figure["families"])
        if figure["kind"] in claim.figures and (drawn or claim.scope is None):
            escaped = _words(row).replace("|", r"\|")  # |c| would be a substitution
            lines.append(f"* **{row.claim} {row.verdict}** ({row.condition}): {escaped}.")
    return "\n".join(["", *lines, ""])


def _words(row: Row) -> str:
    where = row.measurement[3]
    if not row.applicable:
        return where
    number = _number(row).replace("&ndash;", "no number")
    return f"{row.quantity}: {number}, {where}; criterion {row.criterion}"
