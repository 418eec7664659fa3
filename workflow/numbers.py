"""The numbers that the pages of docs/ show: tables in docs/data/, and how a page asks for one.

``collect`` makes the tables from a folder of results. A page says
``{{ median("normalised_kappa10_noise0", "lsa", 4) }}``; a number that no table holds is an error,
so that no page shows one that was not measured.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from icnewton.pages.words import number

DATA = Path("docs/data")
DIGITS = 4  # what is kept of a number
MEDIANS = ["quantity", "method", "step", "median", "mean", "seed_low", "seed_high"]
# conditions by their names; all else in the folder of tables is a measurement
CONDITIONS = ("normalised_", "unnormalised_", "bounded_")


def collect(results: Path) -> dict[str, bytes]:
    """The files of docs/data/ from a folder of results: the medians of all conditions, the claims,
    and one table for each measurement that is shown.
    """
    tables = {path.stem: pd.read_csv(path) for path in sorted((results / "tables").glob("*.csv"))}
    by_condition = {name: t for name, t in tables.items() if name.startswith(CONDITIONS)}
    shown = {name: table for name, table in tables.items() if name not in by_condition}
    blocks = [table[MEDIANS].assign(condition=name) for name, table in by_condition.items()]
    shown["medians"] = pd.concat(blocks, ignore_index=True)
    shown["claims"] = pd.read_csv(results / "claims/claims.csv")
    return {
        f"{name}.csv": table.to_csv(index=False, float_format=f"%.{DIGITS}g").encode()
        for name, table in shown.items()
    }


def kept(root: Path) -> dict[str, bytes]:
    """The files of docs/data/ as they are."""
    return {path.name: path.read_bytes() for path in sorted((root / DATA).iterdir())}


@dataclass(frozen=True)
class Numbers:
    """What a page can ask: of the files of docs/data/, and of JSON files below ``root``."""

    root: Path
    files: Mapping[str, bytes]

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables by their names."""
        contents = self.files.items()
        return {Path(name).stem: pd.read_csv(BytesIO(content)) for name, content in contents}

    def value(self, table: str, column: str, **where: Any) -> Any:
        """The entry of a column in the only row that has some values.

        Raises LookupError unless there is one such row and it has a value.
        """
        rows = self.tables[table]
        for name, wanted in where.items():
            rows = rows[rows[name] == wanted]
        if len(rows) != 1 or pd.isna(rows[column].iloc[0]):
            found = f"{len(rows)} rows" if len(rows) != 1 else "none"
            raise LookupError(
                f"docs/data/{table}.csv: expected one {column} at {where}, found {found}"
            )
        return rows[column].iloc[0]

    def record(self, file: str, *place: Any, **where: Any) -> Any:
        """A value of a JSON file: by its keys, or of the only record of a list with some values."""
        content = json.loads((self.root / file).read_text(encoding="utf-8"))
        if where:
            rows = [row for row in content if where.items() <= row.items()]
            if len(rows) != 1:
                raise LookupError(f"{file}: expected one record with {where}, found {len(rows)}")
            content = rows[0]
        for key in place:
            content = content[key]
        return content

    def table(self, file: str) -> pd.DataFrame:
        """A CSV file below ``root``."""
        return pd.read_csv(self.root / file)

    def cells(self, table: str, columns: Iterable[str], **where: Any) -> str:
        """Some columns of a row, as cells."""
        return " | ".join(number(self.value(table, column, **where)) for column in columns)

    def column(
        self, table: str, column: str, axis: str, places: Iterable[Any], **where: Any
    ) -> str:
        """A column where another has some values, as cells of a row."""
        found = (self.value(table, column, **{axis: place}, **where) for place in places)
        return " | ".join(map(number, found))

    def last(self, file: str, keys: Sequence[str]) -> list[Mapping[str, Any]]:
        """The last of the records of a JSON file with the same values of some keys."""
        rows = self.record(file)
        return list({tuple(row[key] for key in keys): row for row in rows}.values())

    def of(
        self, condition: str, method: str, step: int, column: str = "median",
        quantity: str = "error",
    ) -> float:  # fmt: skip
        """A number of the table of medians."""
        where = {"condition": condition, "method": method, "step": step, "quantity": quantity}
        return float(self.value("medians", column, **where))

    def median(self, condition: str, method: str, step: int, quantity: str = "error") -> str:
        """A median as it is printed."""
        return number(self.of(condition, method, step, quantity=quantity))

    def medians(
        self, condition: str, method: str, steps: Iterable[int], quantity: str = "error",
        digits: int = 2,
    ) -> str:  # fmt: skip
        """Medians of several steps, as cells of a row."""
        values = (self.of(condition, method, step, quantity=quantity) for step in steps)
        return " | ".join(number(value, digits) for value in values)

    def mean(self, condition: str, method: str, step: int, quantity: str = "error") -> str:
        """A mean as it is printed."""
        return number(self.of(condition, method, step, "mean", quantity))

    def seeds(self, condition: str, method: str, step: int, quantity: str = "error") -> str:
        """The least and the largest median of a single training."""
        ends = ("seed_low", "seed_high")
        low, high = (number(self.of(condition, method, step, end, quantity)) for end in ends)
        return f"{low} to {high}"

    def claim(self, name: str, condition: str, quantity: str, column: str = "measured") -> Any:
        """An entry of the claim on a condition whose quantity begins with some words."""
        rows = self.tables["claims"]
        rows = rows[(rows["claim"] == name) & (rows["condition"] == condition)]
        rows = rows[rows["quantity"].str.startswith(quantity)]
        if len(rows) != 1:
            place = f"{name}, {condition}, {quantity}"
            raise LookupError(f"{DATA}/claims.csv: expected one row {place}, found {len(rows)}")
        return rows[column].iloc[0]

    def functions(self) -> Iterator[tuple[str, Any]]:
        """What a page can ask, by name."""
        names = ("value", "cells", "column", "record", "table", "last", "claim")
        errors = ("of", "median", "medians", "mean", "seeds")
        return ((name, getattr(self, name)) for name in (*names, *errors))
