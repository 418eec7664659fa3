"""Error against layers of trained models and steps of algorithms (Figures 2, 8 and 9 of the
paper).
"""

from collections.abc import Mapping, Sequence
from itertools import product

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.figures.parts.kind import LAST_STEP, Kind, Panel, Tables, Words
from icnewton.figures.parts.lines import FLOOR, bands, draw_line, judged
from icnewton.figures.parts.style import Look, looks, methods_of, subplots

ABSCISSA = "layers of the trained model, or steps of the algorithm\n"
COST = "(as a transformer, a step of order 2 or 3 costs 1 layer, and 3 layers frame all steps)\n"


def draw_curves(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes for each condition and panel: rows are conditions, or, with one panel, conditions
    fill a grid.

    ``tables`` maps condition names to their table of medians; a panel names models, algorithms and
    the last step.
    """
    cells, methods = list(product(tables, panels)), methods_of(panels)
    columns = 1 if len(cells) == 1 else 2
    rows, drawn = -(-len(cells) // columns), looks(methods, words)
    figure, axes = subplots(rows, columns, (5.2 * columns, 3.6 * rows + 0.5))
    for ax, (condition, panel) in zip(axes.flat, cells, strict=False):
        table, label = judged(tables[condition], words)
        _draw_panel(ax, table, panel, drawn)
        ax.set_ylabel(label)
        ax.set_title(words.condition(condition))
    for ax in axes.flat[len(cells) :]:
        ax.set_visible(False)
    cost = COST * any(method.startswith("newton") for method in methods)
    figure.supxlabel(ABSCISSA + cost + bands(next(iter(tables.values()))), fontsize=8.5)
    return figure


def _draw_panel(ax: Axes, table: pd.DataFrame, panel: Panel, drawn: Mapping[str, Look]) -> None:
    for family, depths in panel["models"].items():
        draw_line(ax, table[table["step"].isin(depths)], family, drawn[family])
    steps = table[table["step"].between(1, panel.get("steps", LAST_STEP))]
    for algorithm in panel["algorithms"]:
        draw_line(ax, steps, algorithm, drawn[algorithm])
    ax.set_yscale("log")
    ax.set_ylim(bottom=max(ax.get_ylim()[0], FLOOR))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="best")


CAPTIONS = {
    "curves": (
        "Median squared error over tr Σ against the layers of trained transformers and the "
        "steps of algorithms. Solid lines are trained models, dashed lines Newton's iteration "
        "of an order; gradient descent, where drawn, is dotted and has its best fixed step. A "
        "step of order 2 or 3 costs one layer of linear attention, and three more layers make "
        "the Gram matrix and the prediction."
    ),
}
ENTRIES = {"curves": Kind(draw_curves, "medians", several_panels=True, caption=CAPTIONS["curves"])}
