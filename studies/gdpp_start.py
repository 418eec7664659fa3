"""What became of trainings that started at GD++, from the results of ``gdpp_start.yaml``.

    python -m studies.gdpp_start

reads ``results/gdpp_start`` and writes ``studies/gdpp_start.csv``, one row for each training:
errors (squared, over tr Sigma) before and after, and the scalars of the GD++ that is nearest to
what was learned. ``moved`` is the largest change of a scalar, as a factor.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from icnewton.evaluation.statistics import of_quantity, squared_residual
from icnewton.files import read_tables, write_table

CONDITION = "normalised_kappa10_noise0"
RESULTS, ANSWER = Path("results/gdpp_start"), Path("studies/gdpp_start.csv")
BUILT = {"triangle": "gdpp", "fitted": "gdpp_fitted", "fitted_slow": "gdpp_fitted"}


def errors(name: str) -> pd.DataFrame:
    """Median and mean error of each method, depth and seed of a table of answers."""
    rows = of_quantity(read_tables([RESULTS / f"evaluate/{CONDITION}/{name}.parquet"]), "residual")
    keys = [rows[key] for key in ("method", "step", "seed")]
    return squared_residual(rows).groupby(keys).agg(["median", "mean"])


def scalars_before(construction: str, layers: int) -> np.ndarray:
    """The scalars that a training started from, gammas first."""
    folder = RESULTS / f"construct/{CONDITION}/{construction}_steps{layers}"
    origin = json.loads((folder / "card.json").read_text(encoding="utf-8"))["origin"]
    return np.array([*origin["gammas"], *origin["etas"]])


def rows() -> pd.DataFrame:
    """One row for each training."""
    built, learned = errors("built"), errors("learned")
    found = []
    for model in read_tables([RESULTS / "tables/extraction.csv"]).itertuples():
        start, layers = model.method.removeprefix("lsa-"), model.layers
        after = learned.loc[(model.method, layers, model.seed)]
        row = {"start": start, "layers": layers, "seed": model.seed}
        scalars = np.array([*map(float, f"{model.gammas} {model.etas}".split())])
        if start in BUILT:
            before = built.loc[(f"built_{BUILT[start]}", layers, 0)]
            first = scalars_before(BUILT[start], layers)
            row |= {"before_median": before["median"], "before_mean": before["mean"]}
            row["moved"] = np.exp(np.abs(np.log(scalars / first)).max())
            row["scalars_before"] = " ".join(f"{value:.4g}" for value in first)
        row |= {"after_median": after["median"], "after_mean": after["mean"]}
        row |= {"size": model.size, "beyond_gdpp": model.beyond_gdpp}
        found.append(row | {"scalars_after": f"{model.gammas} {model.etas}"})
    return pd.DataFrame(found).sort_values(["layers", "start", "seed"])


if __name__ == "__main__":
    write_table(ANSWER, rows())
    print(rows().to_string(index=False))
