"""A prompt from a CSV file: a row for each example, the columns of x and then y.

For linear regression the last row is the query, whose y is empty. A header row is optional.
"""

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING

from icnewton.files import brief

if TYPE_CHECKING:
    from torch import Tensor

Rows = list[list[str]]


def read_prompt(path: Path, problem: str, d: int) -> "tuple[Tensor, Tensor]":
    """x and y of a prompt of dimension d, float64, with a batch of one.

    For linear regression x is ``(1, n + 1, d)``, the query last, and y ``(1, n)``. For logistic
    regression x is ``(1, n, d)``; the two values of y, numbers or words, become -1 and 1 in their
    order. Raises ValueError in one sentence, naming the file and the row, for anything else.
    """
    import torch

    rows = _rows(path, d)
    *examples, last = rows
    if problem == "logistic":
        x, labels = rows, _two_values(path, [row[-1] for row in rows])
    else:
        if last[-1]:
            expected = "an empty y in the last row, the query"
            raise ValueError(f"{path}: expected {expected}, found {brief(last[-1])!r}")
        if not examples:
            raise ValueError(f"{path}: expected examples before the query, found none")
        x, labels = rows, [_number(path, i, row[-1]) for i, row in enumerate(examples, 1)]
    numbers = [[_number(path, i, cell) for cell in row[:-1]] for i, row in enumerate(x, 1)]
    return tuple(torch.tensor([part], dtype=torch.float64) for part in (numbers, labels))  # type: ignore[return-value]


def _rows(path: Path, d: int) -> Rows:
    """The rows without a header, every one with d + 1 cells."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a prompt in CSV, found {brief(str(error))}") from None
    rows = [row for row in rows if any(row)]
    if rows and not any(_is_number(cell) for cell in rows[0][:-1]):
        rows = rows[1:]  # a header
    if not rows:
        raise ValueError(f"{path}: expected a row for each example, found none")
    for number, row in enumerate(rows, 1):
        if len(row) != d + 1:
            expected = f"{d} columns of x and one of y, as the model has d = {d}"
            raise ValueError(f"{path}: expected {expected}, found {len(row)} in row {number}")
    return rows


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _number(path: Path, row: int, cell: str) -> float:
    if not _is_number(cell):
        found = brief(repr(cell)) if cell else "an empty cell"
        raise ValueError(f"{path}: expected a finite number in row {row}, found {found}")
    return float(cell)


def _two_values(path: Path, cells: list[str]) -> list[float]:
    """-1 for the smaller of two values and 1 for the larger."""
    if "" in cells:
        row, expected = (
            cells.index("") + 1,
            "a label in every row, as logistic prompts have no query",
        )
        raise ValueError(f"{path}: expected {expected}, found none in row {row}")
    are_numbers = all(map(_is_number, cells))
    values = sorted({float(cell) if are_numbers else cell for cell in cells})  # type: ignore[type-var]
    if len(values) != 2:
        found = brief(", ".join(map(str, values)))
        raise ValueError(f"{path}: expected two values of y, found {len(values)}: {found}")
    return [1.0 if (float(cell) if are_numbers else cell) == values[1] else -1.0 for cell in cells]
