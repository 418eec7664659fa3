"""The released models with their errors."""

import csv
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icnewton.commands import Command
from icnewton.commands.parts.screen import duration, show, show_json, table

if TYPE_CHECKING:
    from rich.table import Table

WITHOUT = "released/errors.csv has no error of {}; `make released` writes it from results/paper"


def arguments(parser: ArgumentParser) -> None:
    """Words of the names."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="show names that hold every word")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> bool:
    """Print a line for each model."""
    from icnewton.models.weights import CHECKOUT
    from icnewton.pipeline.released import RELEASED

    folder = CHECKOUT / RELEASED
    if not folder.is_dir():
        expected = f"a checkout of icnewton, which has the released models in {RELEASED}/"
        raise ValueError(f"models: expected {expected}, found none at {folder}")
    rows = [row for row in listed(folder) if all(word in row["model"] for word in options.words)]
    if not rows:
        words = " ".join(options.words) or "none"
        raise ValueError(f"models: expected words of a released model's name, found {words}")
    if options.json:
        show_json(rows)
        return True
    show(table_of(rows))
    lacking = sum(row["error"] is None for row in rows)
    if lacking:
        whose = "any model" if lacking == len(rows) else f"{lacking} of these models"
        show("", WITHOUT.format(whose))
    return True


def listed(released: Path) -> Iterator[dict[str, Any]]:
    """What cards and the table of errors say of each model; an error of other weights is None."""
    from icnewton.models.weights import CARD
    from icnewton.pipeline.released import ERRORS

    known = errors(released / ERRORS)
    for path in sorted(released.glob(f"*/*/{CARD}")):
        card = json.loads(path.read_text(encoding="utf-8"))
        name, origin = str(path.parent.relative_to(released)), card["origin"]
        found = known.get((name, card["weights"]["blake2b"]), {})
        yield {
            "model": name,
            "family": card["family"],
            "layers": card["depth"],
            "steps": origin["run"]["recipe"]["steps"],
            "batch": origin["run"]["recipe"]["batch"],
            "seconds": origin["seconds"],
            "quantity": found.get("quantity"),
            "error": float(found["median"]) if found else None,
            "prompts": int(found["prompts"]) if found else None,
        }


def errors(path: Path) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """The rows of the table of errors by model and digest of weights; none if there is no table."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["model"], row["weights"]): row for row in csv.DictReader(file)}


def table_of(rows: Sequence[Mapping[str, Any]]) -> "Table":
    """A line for each model."""
    made = table("model", "layers", "steps", "batch", "trained in", "median error")
    for row in rows:
        error = "–" if row["error"] is None else f"{row['error']:.2e}"
        numbers = (row["layers"], row["steps"], row["batch"], duration(row["seconds"]), error)
        made.add_row(row["model"], *map(str, numbers))
    return made


ENTRIES = {
    "models": Command(
        says="List the released models with their errors.",
        examples=("normalised_kappa10_noise0/", "kappa50 lsa_ln --json"),
        arguments=arguments,
        run=run,
    )
}
