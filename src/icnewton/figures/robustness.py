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
APART, BETWEEN = 0.7, 0.16  # the last condition number and points beside; these of two methods


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
            ax.set_title(f"{depth} layer{'s' * (depth != 1)}")
        lowest = at_home.loc[at_home["layers"].isin(depths) & (at_home["low"] > 0), "low"].min()
        row[0].set_yscale("log")
        row[0].set_ylim(max(lowest / 2, FLOOR), 10 * HIGHEST)
        title = words.condition(home).replace(", κ", ",\nκ")
        row[0].set_ylabel(f"made for {title}\n{label}")
    found = [ax.get_legend_handles_labels() for ax in axes.flat]
    named = {name: handle for pair in found for handle, name in zip(*pair, strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside right upper")
    at_home = shown[shown["differs"] == "nothing"]
    if len(at_home):
        text = "κ of the prompts; in grey: what models were made for; arrows: above the axis\n"
        figure.supxlabel(text + bands(at_home), fontsize=8.5)
    return figure


def _draw_depth(ax: Axes, table: pd.DataFrame, drawn: Mapping[str, Look], words: Words) -> None:
    """The models of one home and depth, a line each over condition numbers."""
    along = table[table["differs"].isin(SHIFTS)]
    kappas = sorted(along["kappa"].unique())
    others = list(dict.fromkeys(table.loc[~table["differs"].isin(SHIFTS), "tested_on"]))
    places = {name: len(kappas) - 1 + APART + index for index, name in enumerate(others, 1)}
    for home in along.loc[along["differs"] == "nothing", "kappa"].unique():
        ax.axvspan(kappas.index(home) - 0.25, kappas.index(home) + 0.25, color="#e4e4e4")
    for index, (method, look) in enumerate(drawn.items()):
        rows = table[table["method"] == method]
        line = rows[rows["differs"].isin(SHIFTS)].sort_values("kappa")
        _draw(ax, [kappas.index(kappa) for kappa in line["kappa"]], line, look, look.line)
        beside = rows[rows["tested_on"].isin(others)]
        shift = BETWEEN * (index - (len(drawn) - 1) / 2)
        _draw(ax, [places[name] + shift for name in beside["tested_on"]], beside, look, "")
    ticks = [f"{kappa:g}" for kappa in kappas]
    names = [words.condition(name).split(",")[0].replace("_", "\n") for name in others]
    ax.set_xticks([*range(len(kappas)), *places.values()], [*ticks, *names])


def _draw(ax: Axes, x: Sequence[float], rows: pd.DataFrame, look: Look, line: str) -> None:
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
    above = np.array(x)[~(rows["median"] <= HIGHEST).to_numpy()]
    heights = np.full(len(above), HIGHEST)
    ax.plot(above, heights, color=colour, marker="$\\uparrow$", markersize=11, linestyle="")


CAPTIONS = {
    "robustness": (
        "Median squared error over tr Σ on prompts that models were not made for. Along the axis "
        "only the condition number changes; the points beside it are prompts of another law. "
        "Trained models and GD++ with fitted scalars know the spectra of their own prompts. GD++ "
        "with the triangle's scalars knows a bound u on the eigenvalues alone: its error hardly "
        "depends on the condition number, grows where u is far too large, and has no bound where "
        "eigenvalues exceed u."
    ),
}
ENTRIES = {
    "robustness": Kind(
        draw_robustness, "transfer", problem="linear", caption=CAPTIONS["robustness"]
    )
}
