"""`make released`: what docs/ shows of released models and of results/paper.

`make reproduce SCALE=paper` makes results/paper. docs/released.md has every released model with its
training and its evaluation, and what is missing; released/errors.csv has the errors for programs,
with the digest of the weights that made them. docs/data/ has the numbers that other pages show, and
docs/figures/ the figures. The pages of docs/templates/ are written with these numbers.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from icnewton.evaluation.answers import method_of
from icnewton.files import write_table, write_together
from icnewton.models.weights import CARD, WEIGHTS
from icnewton.pipeline.records import verify
from icnewton.pipeline.released import ERRORS, RELEASED, Supply, find
from icnewton.training.runs import Run
from workflow.documents import PAGES, rendered
from workflow.numbers import DATA, Numbers, collect
from workflow.train_released import released_runs

RESULTS = Path("results/paper")
TABLE, FIGURES = Path("docs/released.md"), Path("docs/figures")
HEAD = """# Released models

Written by `make released` from the models' cards and the evaluation of \
`make reproduce SCALE=paper`.

{count} of {all} models of the paper's scale are here, {megabytes:.1f} MB. \
`icnewton.load("CONDITION/RUN")` loads one. `make train-released` trains those that are missing, and
`make retrain MODEL=...` trains one of them again.

- *steps*, *batch*: what the training saw.
- *loss*: the mean squared error of the prediction, or of w, over the last hundredth of the steps.
- *seconds*: of training on one thread of {devices}.
- *error*: the median squared error over tr Σ on {prompts} prompts of {covariances} covariances. For
  logistic regression it is the median excess of f(w) over its minimum.
"""

COLUMNS = "| model | steps | batch | loss | seconds | error |\n|---|---|---|---|---|---|"


def check(models: Supply) -> None:
    """Raises ValueError unless results/paper is whole and shows what is released now.

    None of its models may have been trained there.
    """
    path = RESULTS / "models.rst"
    said = path.read_text(encoding="utf-8") if path.exists() else ""
    if models.trained or f"Models: {models}." not in said:
        expected = f"results of `make reproduce SCALE=paper TRAINING=none` with {models}"
        raise ValueError(f"{RESULTS}: expected {expected}, found others")
    if problems := verify(RESULTS)[1]:
        expected = "it whole, made from what is in released/ now"
        raise ValueError(f"{RESULTS}: expected {expected}, found: {problems[0]}")


def judged(condition: str) -> pd.DataFrame:
    """The errors of the released models of a condition, prompt by prompt."""
    return pd.read_parquet(RESULTS / "evaluate" / condition / "learned.parquet")


def errors(frame: pd.DataFrame) -> Mapping[tuple[str, int, int], float]:
    """Median error of the released models of a condition by method, depth and seed, from what
    ``judged`` gives.
    """
    is_logistic = "excess" in set(frame["quantity"])
    frame = frame[frame["quantity"] == ("excess" if is_logistic else "residual")]
    error = frame["value"] if is_logistic else frame["value"] ** 2
    medians = error.groupby([frame["method"], frame["step"], frame["seed"]], observed=True).median()
    rows = medians.items()
    return {(str(method), int(step), int(seed)): float(v) for (method, step, seed), v in rows}


def row(name: str, run: Run, origin: Mapping[str, Any], error: float) -> str:
    """A model's line."""
    loss = "diverged" if origin["diverged"] else f"{origin['final_loss']:.2e}"
    training = f"{run.recipe.steps} | {run.recipe.batch} | {loss} | {origin['seconds']:.0f}"
    return f"| `{name}` | {training} | {error:.2e} |"


def page(runs: Mapping[str, Run]) -> Iterator[str]:
    """The lines of docs/released.md."""
    folders = {name: folder for name, run in runs.items() if (folder := find(name, run))}
    cards = {name: (folder / CARD).read_text(encoding="utf-8") for name, folder in folders.items()}
    origins = {name: json.loads(card)["origin"] for name, card in cards.items()}
    files = product(folders.values(), (CARD, WEIGHTS))
    size = sum((folder / name).stat().st_size for folder, name in files)
    sample = pd.read_parquet(next(RESULTS.glob("evaluate/*/learned.parquet")))
    yield HEAD.format(
        count=len(folders),
        all=len(runs),
        megabytes=size / 1e6,
        devices=" and ".join(sorted({origin["device"] for origin in origins.values()})),
        prompts=sample["prompt"].nunique(),
        covariances=sample["covariance"].nunique(),
    )
    for condition in dict.fromkeys(name.split("/")[0] for name in folders):
        known = errors(judged(condition))
        yield f"## {condition}\n\n{COLUMNS}"
        for name, origin in origins.items():
            if name.startswith(f"{condition}/"):
                run = runs[name]
                yield row(name, run, origin, known[method_of(name), run.layers, run.seed])
        yield ""
    missing = [f"- `{name}`" for name in runs if name not in folders]
    yield "\n".join(["## Missing", "", *(missing or ["None."])])


def table(runs: Mapping[str, Run]) -> pd.DataFrame:
    """A row for each released model: its error, on how many prompts, and its weights' digest."""
    rows = []
    for condition in dict.fromkeys(name.split("/")[0] for name in runs):
        folders = {
            name: folder
            for name, run in runs.items()
            if name.startswith(f"{condition}/") and (folder := find(name, run))
        }
        if not folders:
            continue
        frame = judged(condition)
        known = errors(frame)
        for name, folder in folders.items():
            run, card = runs[name], json.loads((folder / CARD).read_text(encoding="utf-8"))
            rows.append(
                {
                    "model": name,
                    "quantity": "excess" if run.condition.problem == "logistic" else "error",
                    "median": known[method_of(name), run.layers, run.seed],
                    "prompts": frame["prompt"].nunique(),
                    "covariances": frame["covariance"].nunique(),
                    "weights": card["weights"]["blake2b"],
                }
            )
    return pd.DataFrame(rows)


def documents(results: Path) -> dict[Path, bytes]:
    """The pages that show numbers of a folder of results, these numbers, and the figures.

    Raises LookupError where a page shows a number that the folder does not have.
    """
    data = collect(results)
    pages = rendered(Numbers(Path(), data))
    figures = sorted((results / "figures").glob("*.png"))
    return (
        {PAGES / name: text.encode() for name, text in pages.items()}
        | {DATA / name: content for name, content in data.items()}
        | {FIGURES / path.name: path.read_bytes() for path in figures}
    )


def main() -> None:
    """Write pages, numbers and figures, and remove numbers and figures that are no more."""
    runs = released_runs()
    try:
        check(Supply.of(runs, "none", "cpu"))
        contents = documents(RESULTS)
    except (ValueError, LookupError) as error:
        sys.exit(str(error))
    lines = "\n".join(page(runs)) + "\n"
    write_together({TABLE: lines.encode()} | contents)
    write_table(RELEASED / ERRORS, table(runs))
    for old in [*DATA.iterdir(), *FIGURES.iterdir()]:
        if old not in contents:
            old.unlink()
    print(TABLE, RELEASED / ERRORS, DATA, FIGURES)


if __name__ == "__main__":
    main()
