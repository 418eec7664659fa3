"""Transfer: how well models that were trained on one condition answer prompts of others."""

import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.lines import judged
from icnewton.figures.parts.style import frame_cell, method_label, styled, subplots

COLOURS = matplotlib.colormaps["cividis"].with_extremes(bad="white")
WIDEST = 15.0  # inches of a figure of several columns
BELOW = (
    "medians over {prompts:.0f} prompts of {covariances:.0f} covariances\n"
    "framed: tested on what it was trained on; hatched: not measured"
)
LETTERS = 18  # of a condition's title on one line


def draw_transfer(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """A heat map for each model and depth: rows the conditions that it was trained on, columns
    those that it is tested on, a frame where the two are the same.

    All have one scale. A cell without a median is hatched, and one whose median has no place on the
    scale is white.
    """
    (panel,) = panels
    everything = pd.concat(tables.values(), ignore_index=True)
    table, label = judged(everything[everything["method"].isin(panel["models"])], words)
    models = [(name, depth) for name, depths in panel["models"].items() for depth in depths]
    places = {key: table[key].unique() for key in ("trained_on", "tested_on")}
    width = 0.95 * len(places["tested_on"]) + 1.6
    height = 0.62 * len(places["trained_on"]) + 1.3
    columns = max(1, min(len(models), int(WIDEST / width)))
    rows = -(-len(models) // columns)
    norm = _norm(table["median"])
    with styled({"axes.grid": False, "axes.spines.top": True, "axes.spines.right": True}):
        figure, axes = subplots(
            rows, columns, (width * columns + 1.0, max(height * rows, 2.2) + 0.3)
        )
        for ax, (method, depth) in zip(axes.flat, models, strict=False):
            cells = table[(table["method"] == method) & (table["step"] == depth)]
            medians = cells.pivot(index="trained_on", columns="tested_on", values="median")
            medians = medians.reindex(index=places["trained_on"], columns=places["tested_on"])
            _draw_map(ax, medians, norm, words)
            ax.set_title(f"{method_label(method, words)}, {depth} layer{'s' * (depth != 1)}")
        for ax in axes.flat[len(models) :]:
            ax.set_visible(False)
        bar = figure.colorbar(ScalarMappable(norm, COLOURS), ax=axes, pad=0.02)
        ticks = np.geomspace(norm.vmin or 1, norm.vmax or 10, 3).tolist()
        bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks], minor=False)
        bar.minorticks_off()
        bar.set_label(label.replace(" / ", "\n/ "), fontsize=8)
    if len(table):
        figure.supxlabel(BELOW.format(**table.iloc[0]), fontsize=8.5)
    return figure


def _norm(medians: pd.Series) -> LogNorm:
    """The scale of all medians that it can show."""
    shown = medians[np.isfinite(medians) & (medians > 0)]
    return LogNorm(shown.min(), shown.max()) if len(shown) else LogNorm(1, 10)


def _draw_map(ax: Axes, medians: pd.DataFrame, norm: LogNorm, words: Words) -> None:
    values = medians.to_numpy()
    if not values.size:
        ax.axis("off")
        return
    shown = np.ma.masked_invalid(values)
    image = ax.imshow(shown, cmap=COLOURS, norm=norm, aspect="auto")
    brightness = image.to_rgba(shown) @ (0.3, 0.6, 0.1, 0.0)
    for (i, j), value in np.ndenumerate(values):
        _write_median(ax, i, j, value, "black" if brightness[i, j] > 0.45 else "white")
        if medians.index[i] == medians.columns[j]:
            frame_cell(ax, i, j).set(clip_on=False, zorder=3)
    tested = [_wrapped(words.condition(name)) for name in medians.columns]
    trained = [_wrapped(words.condition(name)) for name in medians.index]
    ax.set_xticks(range(len(tested)), tested, fontsize=7)
    ax.set_yticks(range(len(trained)), trained, fontsize=7)
    ax.set_xlabel("tested on")
    ax.set_ylabel("trained on")
    ax.tick_params(length=0)


def _write_median(ax: Axes, row: int, column: int, value: float, shade: str) -> None:
    """The median of a cell, or hatches if there is none."""
    if np.isnan(value):
        corner = (column - 0.5, row - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, hatch="///", fill=False, color="#bbbbbb", linewidth=0))
    else:
        text = "∞" if np.isinf(value) else f"{value:.2g}"
        ax.text(column, row, text, ha="center", va="center", fontsize=8, color=shade)


def _wrapped(title: str) -> str:
    """A title on several lines, broken after commas where that fits."""
    space, parts = "\N{NO-BREAK SPACE}", title.replace("_", " ").split(", ")
    parts = [part.replace(" ", space) if len(part) < LETTERS else part for part in parts]
    return "\n".join(textwrap.wrap(", ".join(parts), LETTERS)).replace(space, " ")


CAPTIONS = {
    "transfer": (
        "Models on the conditions that they were trained on (rows) and on others (columns): the "
        "median of what the problem is judged by. A frame marks a model's own condition."
    ),
}
ENTRIES = {"transfer": Kind(draw_transfer, "transfer", caption=CAPTIONS["transfer"])}
