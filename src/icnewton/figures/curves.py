"""Error against layers of trained models and steps of algorithms (Figures 2, 8 and 9 of the paper)."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.figures.parts.style import LAST_STEP, condition_title, look, styled

Panel = Mapping[str, Any]
PLATEAU = "query_as_example"  # where depth stops paying for models that attend to the query
FLOOR = 1e-14  # float64 algorithms end near 1e-30, which would leave no room for the models


def draw_curves(tables: Mapping[str, pd.DataFrame], panels: Sequence[Panel]) -> Figure:
    """One axes for each condition and panel: rows are conditions, or, with one panel, conditions
    fill a grid.

    ``tables`` maps condition names to their table of medians; a panel names models, algorithms and
    the last step.
    """
    cells = [(condition, panel) for condition in tables for panel in panels]
    columns = 1 if len(cells) == 1 else 2
    rows = -(-len(cells) // columns)
    with styled():
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(5.2 * columns, 3.6 * rows + 0.5),
            squeeze=False,
            layout="constrained",
        )
        for ax, (condition, panel) in zip(axes.flat, cells, strict=False):
            _draw_panel(ax, tables[condition], panel)
            ax.set_title(condition_title(condition))
        for ax in axes.flat[len(cells) :]:
            ax.set_visible(False)
        figure.supxlabel(
            "layers of the trained model, or steps of the algorithm\n(as a transformer, a step of order 2 or 3 costs 1 layer, "
            "and 3 layers frame all steps)\n" + bands(next(iter(tables.values()))),
            fontsize=8.5,
        )
    return figure


def bands(table: pd.DataFrame) -> str:
    """What the bands and bars of ``draw_line`` are, in words."""
    sample = table.iloc[0]
    text = f"bands: 95 % intervals of the median over {sample.prompts:.0f} prompts of {sample.covariances:.0f} covariances"
    bars = ";\nbars: from the best to the worst seed" * bool(table["seeds"].max() > 1)
    diverged = np.isinf(table.loc[table["kind"] == "learned", "seed_high"]).any()
    return text + bars + ", an arrow where that diverged" * bool(diverged)


def _draw_panel(ax: Axes, table: pd.DataFrame, panel: Panel) -> None:
    for family, depths in panel["models"].items():
        draw_line(ax, table[table["step"].isin(depths)], family)
    for algorithm in panel["algorithms"]:
        draw_line(
            ax,
            table[(table["step"] >= 1) & (table["step"] <= panel.get("steps", LAST_STEP))],
            algorithm,
        )
    ax.set_yscale("log")
    ax.set_ylim(bottom=max(ax.get_ylim()[0], FLOOR))
    ax.set_ylabel("median squared error / tr Σ")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower left")


def draw_level(ax: Axes, medians: pd.Series) -> None:
    """A horizontal line at the level of models that attend to the query, from the median errors by
    method, if it is there.
    """
    if PLATEAU in medians.index:
        style = look(PLATEAU)
        ax.axhline(
            medians[PLATEAU],
            color=style.colour,
            linestyle=style.line,
            linewidth=1.3,
            label=style.label,
        )


def draw_line(ax: Axes, table: pd.DataFrame, method: str, x: str = "step") -> None:
    """The median of one method against a column, its interval as a band, and bars from the best to
    the worst training.

    The line is broken where most trainings diverged, and an arrow stands for a bar without an end.
    """
    rows = (
        table[table["method"] == method].dropna(subset=[x]).sort_values(x).replace(np.inf, np.nan)
    )
    if rows["median"].isna().all():
        return
    style = look(method)
    ax.plot(
        rows[x],
        rows["median"],
        style.line,
        color=style.colour,
        marker=style.marker,
        label=style.label,
    )
    ax.fill_between(rows[x], rows["low"], rows["high"], color=style.colour, alpha=0.2, linewidth=0)
    several, endless = rows[rows["seeds"] > 1], rows[(rows["seeds"] > 1) & rows["seed_high"].isna()]
    ax.vlines(
        several[x],
        several["seed_low"],
        several["seed_high"],
        color=style.colour,
        linewidth=3,
        alpha=0.6,
    )
    ax.plot(
        endless[x],
        endless["seed_low"],
        linestyle="",
        color=style.colour,
        marker="$\\uparrow$",
        markersize=14,
    )
