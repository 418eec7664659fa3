"""The verdict matrix: a row for each claim, a cell for each group of conditions."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from icnewton.claims.parts.evidence import NOT_APPLICABLE, UNTESTED

BUILT, PUBLISHED, REAL_DATA = "built", "published", "real data"
DIFFERS = "differs"  # rows of one cell disagree
DATA_SETS = ("diabetes", "breast cancer")
SILENT = (NOT_APPLICABLE, UNTESTED)  # verdicts that give way to others


@dataclass(frozen=True)
class Cell:
    """What a claim's rows say in one group: a verdict, how many rows share it, and their numbers.

    anchor: of the first of these rows on the page.
    """

    verdict: str
    sharing: int
    rows: int
    numbers: tuple[str, ...]
    anchor: str


@dataclass(frozen=True)
class Line:
    """A claim, its cells by group, and its rows."""

    claim: str
    anchor: str
    statement: str
    cells: Mapping[str, Cell]
    rows: tuple[Mapping[str, object], ...]


def anchor_of(claim: str) -> str:
    """The name of a claim's place on a page."""
    return "claim-" + re.sub(r"[^A-Za-z0-9]+", "-", claim)


def group_of(condition: str, methods: str, protocols: Mapping[str, str]) -> str:
    """The group of a row: the protocol of its condition, or what else it was measured on.

    Models that were trained as the public code trains them are a group of their own.
    """
    if condition in protocols:
        shown = methods.split()
        is_published = shown and all(method.endswith("-authors") for method in shown)
        return PUBLISHED if is_published else protocols[condition]
    return REAL_DATA if condition in DATA_SETS else BUILT


def summary(verdicts: Iterable[str]) -> str:
    """One verdict for several: their own where they agree, else that they differ."""
    known = list(verdicts)
    telling = [verdict for verdict in known if verdict not in SILENT] or known
    return telling[0] if len(set(telling)) == 1 else DIFFERS


def number_of(row: Mapping[str, object]) -> str:
    """A row's number, interval and criterion in words."""
    measured, low, high = (float(str(row[key])) for key in ("measured", "low", "high"))
    if measured != measured:
        return str(row["where"])
    interval = f" [{low:.3g}, {high:.3g}]" if low < high else ""
    return f"{row['quantity']}: {measured:.3g}{interval}, criterion {row['criterion']}"


def verdict_matrix(claims: pd.DataFrame, protocols: Mapping[str, str]) -> list[Line]:
    """The matrix of a table of claims; ``protocols`` of its conditions by name."""
    lines = []
    for claim, rows in claims.fillna({"methods": ""}).groupby("claim", sort=False):
        name = str(claim)
        groups = [group_of(r.condition, r.methods, protocols) for r in rows.itertuples()]
        records = rows.assign(group=groups).to_dict("records")
        numbered = [
            {**record, "anchor": f"{anchor_of(name)}-{index}"}
            for index, record in enumerate(records)
        ]
        by_group: dict[str, list[dict[str, object]]] = {}
        for record in numbered:
            by_group.setdefault(str(record["group"]), []).append(record)
        cells = {group: _cell(members) for group, members in by_group.items()}
        statement = str(rows["statement"].iloc[0])
        lines.append(Line(name, anchor_of(name), statement, cells, tuple(numbered)))
    return lines


def _cell(rows: list[dict[str, object]]) -> Cell:
    verdicts = [str(row["verdict"]) for row in rows]
    verdict = summary(verdicts)
    numbers = tuple(f"{row['condition']}: {row['verdict']}. {number_of(row)}" for row in rows)
    first = next((row for row in rows if row["verdict"] not in SILENT), rows[0])
    return Cell(verdict, verdicts.count(verdict), len(rows), numbers, str(first["anchor"]))


def groups_of(lines: Iterable[Line]) -> list[str]:
    """The groups that a matrix has: what was built first, real data last."""
    found = {group for line in lines for group in line.cells}
    protocols = sorted(found - {BUILT, PUBLISHED, REAL_DATA})
    order = [BUILT, *protocols, PUBLISHED, REAL_DATA]
    return [group for group in order if group in found]
