"""What each variant of a study reached, and in how long, from the results of its scale.

    python -m studies.variants authors

reads ``results/authors``, the results of ``authors.yaml``, and writes ``studies/authors.json``, one
record for each variant and depth: median and mean of squared errors over tr Sigma, or of the excess
of the logistic loss, the interval of the median, how many trainings there are and how many of them
diverged; and steps, batch and seconds of the first one, on the card's device. A model from
released/ was trained there, at another time.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

from icnewton.files import read_tables, write_json

HERE, QUANTITIES = Path("studies"), ("error", "excess")  # of linear and logistic problems


def origin_of(results: Path, condition: str, row: Any) -> dict[str, Any]:
    """Where the model of a row comes from, by the card that was evaluated."""
    name = f"{condition}/{row.method}_layers{row.step:.0f}_seed0"
    folders = (results / "train" / name, Path("released") / name)
    card = next(path for folder in folders if (path := folder / "card.json").exists())
    return dict(json.loads(card.read_text(encoding="utf-8"))["origin"])


def record(results: Path, condition: str, row: Any) -> dict[str, Any]:
    """The record of one model."""
    origin = origin_of(results, condition, row)
    recipe = origin["run"]["recipe"]
    return {
        "condition": condition,
        "variant": row.method.partition("-")[2],
        "layers": int(row.step),
        "median": row.median,
        "low": row.low,
        "high": row.high,
        "mean": row.mean,
        "steps": recipe["steps"],
        "batch": recipe["batch"],
        "seconds": origin["seconds"],
        "device": origin["device"],
        "trainings": int(row.seeds),
        "diverged": int(row.diverged),
    }


def records(results: Path) -> list[dict[str, Any]]:
    """One record for each variant and depth of a study's results."""
    found = []
    for path in sorted((results / "tables").glob("*normalised_*.csv")):
        table: pd.DataFrame = read_tables([path])
        learned = table[(table["kind"] == "learned") & table["quantity"].isin(QUANTITIES)]
        rows = learned.sort_values(["method", "step"]).itertuples()
        found += [record(results, path.stem, row) for row in rows]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", help="the name of a study, whose results there are")
    study = parser.parse_args().study
    write_json(HERE / f"{study}.json", found := records(Path("results") / study))
    columns = ["condition", "variant", "layers", "median", "mean", "seconds"]
    print(pd.DataFrame(found)[columns].to_string(index=False))
