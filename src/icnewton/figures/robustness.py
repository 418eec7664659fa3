"""Robustness: errors on prompts of other condition numbers, and of other laws, than those that
models were trained on or built for.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.lines import FLOOR, bands, judged
from icnewton.figures.parts.style import Look, looks, subplots

HIGHEST = 1e2  # errors above are arrows
SHIFTS = ("nothing", "kappa")  # in what conditions of the axis differ from a model's own
APART = 0.7  # between the last condition number and what stands beside the axis


def draw_robustness(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Rows are conditions that models are made for, columns depths, and the axis is the condition
    number of the prompts they are tested on. Beside it stand prompts that differ otherwise.
    """
    (panel,) = panels
    table, label = judged(pd.concat(tables.values(), ignore_index=True), words)
    learned = table["method"].isin(panel["models"])
    shown = table[learned | (table["kind"] == "built")]
    homes = list(dict.fromkeys(table.loc[learned, "trained_on"]))
    depths = sorted(set().union(*panel["models"].values()))
    drawn = looks([*panel["models"], *shown.loc[~learned, "method"].unique()], words)
    size = (3.5 * len(depths) + 2.4, 3.1 * max(len(homes), 1) + 0.6)
    figure, axes = subplots(max(len(homes), 1), len(depths), size, sharey="row")
    for row, home in zip(axes, homes, strict=False):
        at_home = shown[shown["trained_on"] == home]
        for ax, depth in zip(row, depths, strict=True):
            _draw_depth(ax, at_home[at_home["layers"] == depth], drawn, words)
            layers = f"{depth} layer{'s' * (depth != 1)}"
            ax.set_title(f"{layers}, for {words.condition(home)}", fontsize=8)
        row[0].set_ylabel(label)
    found = [ax.get_legend_handles_labels() for ax in axes.flat]
    named = {name: handle for pair in found for handle, name in zip(*pair, strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside right upper")
    if len(shown):
        text = "κ of the prompts; in grey: what models were made for; arrows: above the axis\n"
        figure.supxlabel(text + bands(shown), fontsize=8.5)
    return figure


def _draw_depth(ax: Axes, table: pd.DataFrame, drawn: Mapping[str, Look], words: Words) -> None:
    """The models of one home and depth, a line each over condition numbers."""
    along = table[table["differs"].isin(SHIFTS)]
    kappas = sorted(along["kappa"].unique())
    others = list(dict.fromkeys(table.loc[~table["differs"].isin(SHIFTS), "tested_on"]))
    places = {name: len(kappas) - 1 + APART + index for index, name in enumerate(others, 1)}
    for home in along.loc[along["differs"] == "nothing", "kappa"].unique():
        ax.axvspan(kappas.index(home) - 0.25, kappas.index(home) + 0.25, color="#e4e4e4")
    for method, look in drawn.items():
        rows = table[table["method"] == method]
        line = rows[rows["differs"].isin(SHIFTS)].sort_values("kappa")
        _draw(ax, line["kappa"].map(kappas.index), line, look, look.line)
        beside = rows[rows["tested_on"].isin(others)]
        _draw(ax, beside["tested_on"].map(places), beside, look, "")
    ticks = [f"{kappa:g}" for kappa in kappas]
    names = [words.condition(name).split(",")[0].replace("_", "\n") for name in others]
    ax.set_xticks([*range(len(kappas)), *places.values()], [*ticks, *names])
    ax.set_yscale("log")
    low, _ = ax.get_ylim()
    ax.set_ylim(max(low, FLOOR), 2 * HIGHEST)


def _draw(ax: Axes, x: pd.Series, rows: pd.DataFrame, look: Look, line: str) -> None:
    """Medians with their intervals, and arrows for those above the axis."""
    if rows.empty:
        return
    inside = rows[["median", "low", "high"]].where(rows["median"] <= HIGHEST)
    colour, marker = look.colour, look.marker
    ax.plot(x, inside["median"], line, color=colour, marker=marker, label=look.label)
    ends = (np.minimum(inside[end], HIGHEST) for end in ("low", "high"))
    if line:
        ax.fill_between(x, *ends, color=colour, alpha=0.2, linewidth=0)
    else:
        ax.vlines(x, *ends, color=colour, alpha=0.4)
    above = x[~(rows["median"] <= HIGHEST)]
    heights = np.full(len(above), HIGHEST)
    ax.plot(above, heights, color=colour, marker="$\\uparrow$", markersize=11, linestyle="")


CAPTIONS = {
    "robustness": (
        "Median squared error over tr Σ on prompts that models were not made for. Along the axis "
        "only the condition number changes; the points beside it are prompts of another law. "
        "Trained models and GD++ with fitted scalars know the spectra of their own prompts. GD++ "
        "with the triangle's scalars knows a bound u on the eigenvalues alone: it answers as well "
        "for every condition number, and fails where eigenvalues exceed u."
    ),
}
ENTRIES = {
    "robustness": Kind(
        draw_robustness, "transfer", problem="linear", caption=CAPTIONS["robustness"]
    )
}
