"""Lines of medians, as figures of several kinds draw them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from icnewton.evaluation.statistics import of_quantity
from icnewton.figures.parts.kind import Words
from icnewton.figures.parts.style import Look, Style

PLATEAU = "query_as_example"  # where depth stops paying for models that attend to the query
FLOOR = 1e-14  # float64 algorithms end near 1e-30, which would leave no room for the models


def judged(table: pd.DataFrame, words: Words) -> tuple[pd.DataFrame, str]:
    """The rows of the quantity that a problem is judged by, and its axis label: the first that
    words list, else the first of the table.
    """
    present = list(table["quantity"].unique())
    name = next((name for name in [*words.quantities, *present] if name in present), "")
    return of_quantity(table, name), words.quantity(name)


def bands(table: pd.DataFrame) -> str:
    """What the bands and bars of ``draw_line`` are, in words."""
    sample = table.iloc[0]
    text = (
        f"bands: 95 % intervals of the median over {sample.prompts:.0f} prompts "
        f"of {sample.covariances:.0f} covariances"
    )
    bars = ";\nbars: from the best to the worst seed" * bool(table["seeds"].max() > 1)
    diverged = np.isinf(table.loc[table["kind"] == "learned", "seed_high"]).any()
    return text + bars + ", an arrow where that diverged" * bool(diverged)


def draw_level(ax: Axes, medians: pd.Series, look: Look) -> None:
    """A horizontal line at the level of models that attend to the query, from the median errors by
    method, if it is there.
    """
    if PLATEAU in medians.index:
        level, style = medians[PLATEAU], look.line
        ax.axhline(level, color=look.colour, linestyle=style, linewidth=1.3, label=look.label)


def draw_line(ax: Axes, table: pd.DataFrame, method: str, look: Look, x: str = "step") -> None:
    """The median of one method against a column, its interval as a band, and bars from the best to
    the worst training.

    The line is broken where most trainings diverged, and an arrow stands for a bar without an end.
    """
    of_method = table[table["method"] == method].dropna(subset=[x]).sort_values(x)
    rows, colour = of_method.replace(np.inf, np.nan), look.colour
    if rows["median"].isna().all():
        return
    ax.plot(rows[x], rows["median"], look.line, color=colour, marker=look.marker, label=look.label)
    ax.fill_between(rows[x], rows["low"], rows["high"], color=colour, alpha=0.2, linewidth=0)
    several = rows[rows["seeds"] > 1]
    low, high = several["seed_low"], several["seed_high"]
    ax.vlines(several[x], low, high, color=colour, linewidth=3, alpha=0.6)
    endless = several[high.isna()]
    arrow: Style = {"marker": "$\\uparrow$", "markersize": 14}
    ax.plot(endless[x], endless["seed_low"], linestyle="", color=colour, **arrow)
