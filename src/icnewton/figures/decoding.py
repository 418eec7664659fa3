"""What can be read off an encoder layer by layer: is there an order in which iterates appear?"""

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.style import method_label, subplots

LINES = 6  # layers that are drawn of a model
COLOURS = matplotlib.colormaps["viridis_r"].resampled(256)
PLACE = "answer"


def draw_decoding(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Rows are conditions and families, of which the deepest model is drawn; columns algorithms.

    The axis is an algorithm's step, and each line the R^2 of all its iterates at one layer.
    """
    (panel,) = panels
    shown = list(_deepest(tables, panel))
    algorithms = panel["algorithms"]
    rows, columns = max(len(shown), 1), len(algorithms)
    size = (4.6 * columns + 2.2, 3.1 * rows + 0.6)
    figure, axes = subplots(rows, max(columns, 1), size, sharey=True)
    for row, (condition, method, depth, table) in zip(axes, shown, strict=False):
        for ax, algorithm in zip(row, algorithms, strict=True):
            _draw_model(ax, table[table["algorithm"] == algorithm])
            name = f"{method_label(method, words)}, {depth} layer{'s' * (depth != 1)}"
            ax.set_title(f"{name}\n{words.condition(condition)}", fontsize=8.5)
            ax.set_xlabel(f"step t of {method_label(algorithm, words)}")
        row[0].set_ylabel("R² of w_t on held-out prompts")
        row[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _deepest(tables: Tables, panel: Panel) -> Iterator[tuple[str, str, int, pd.DataFrame]]:
    """The deepest model of each family and condition that a table has, of the least seed."""
    for condition, table in tables.items():
        finite = table[np.isfinite(table["r2"])]
        for method, depths in panel["models"].items():
            of_family = finite[(finite["method"] == method) & finite["step"].isin(depths)]
            if not of_family.empty:
                depth = int(of_family["step"].max())
                model = of_family[of_family["step"] == depth]
                yield condition, method, depth, model[model["seed"] == model["seed"].min()]


def _draw_model(ax: Axes, table: pd.DataFrame) -> None:
    """Lines of layers, those of the encoder before training, and of the labels' moment."""
    at_answer = table[table["place"] == PLACE]
    trained = at_answer[at_answer["source"] == "trained"]
    last = trained["layer"].max()
    for layer in np.unique(np.linspace(0, last, LINES).round()):
        colour = COLOURS(0.1 + 0.9 * layer / max(last, 1))
        label = f"layer {layer:.0f}" if layer else "embedding"
        _draw_line(ax, trained[trained["layer"] == layer], color=colour, marker="o", label=label)
    untrained = at_answer[at_answer["source"] == "untrained"]
    best = untrained.groupby("iterate")[["r2", "low", "high"]].max().reset_index()
    _draw_line(ax, best, color="#999999", linestyle="--", label="untrained, best layer")
    labels = table[table["source"] == "labels"]
    _draw_line(ax, labels, color="black", linestyle=":", label="mean of yᵢaᵢ alone")
    ax.set_xscale("log", base=2)
    ax.set_ylim(min(-0.05, trained["low"].min()), 1.03)
    ticks = 2.0 ** np.arange(np.log2(max(table["iterate"].max(), 1)) + 1)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])


def _draw_line(ax: Axes, rows: pd.DataFrame, **style: Any) -> None:
    rows = rows.sort_values("iterate")
    ax.plot(rows["iterate"], rows["r2"], markersize=3, **style)
    ax.fill_between(
        rows["iterate"], rows["low"], rows["high"], color=style["color"], alpha=0.12, linewidth=0
    )


CAPTIONS = {
    "decoding": (
        "How well a linear probe of the stream, at the token where the answer is read, gives the "
        "iterates of an algorithm: R² on prompts of covariances that the probe was not fitted on, "
        "with 95 % intervals. An encoder that went through the iterates would have its maximum "
        "further right at each deeper layer. Dashed: the same encoder before its training, at the "
        "layer where it is best. Dotted: what the mean of yᵢaᵢ gives without any encoder."
    ),
}
ENTRIES = {
    "decoding": Kind(draw_decoding, "decoding", problem="logistic", caption=CAPTIONS["decoding"])
}
