"""Trained and built transformers on logistic regression against their layers (Figures 1 and 7, and
the later grids).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from icnewton.figures.curves import bands, draw_line
from icnewton.figures.parts.style import condition_title, styled
from icnewton.theory import bounds

Panel = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]

FLOOR = 1e-13  # below this an excess loss is rounding
NEWTON = f"Newton counted at {bounds.LAYERS} layers a step"


def draw_logistic_loss(tables: Tables, panels: Sequence[Panel]) -> Figure:
    """Figures 1 and 7, left, and the grid over kappa and mu: median loss against layers, one axes a
    condition.
    """
    return _grid(tables, panels[0], "loss", "median logistic loss")


def draw_logistic_distance(tables: Tables, panels: Sequence[Panel]) -> Figure:
    """Distance to the minimiser that Newton converges to."""
    return _grid(tables, panels[0], "distance", "median ‖w − w*‖ / ‖w*‖", logarithmic=True)


def draw_logistic_training(tables: Tables, panels: Sequence[Panel]) -> Figure:
    """Figure 7: the loss, and the final training error, against layers."""
    condition, table = next(iter(tables.items()))
    with styled():
        figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.1), layout="constrained")
        _draw(axes[0], table, panels[0], "loss", "median logistic loss")
        for family, depths in panels[0]["models"].items():
            rows = table[table["step"].isin(depths) & (table["quantity"] == "training_error")]
            draw_line(axes[1], rows, family)
        axes[1].set_ylabel("mean squared error of w, end of training")
        axes[1].set_xlabel("layers")
        axes[1].set_yscale("log")
        axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
        axes[0].set_title(condition_title(condition))
        axes[0].legend(loc="upper right")
        figure.supxlabel(bands(table), fontsize=8.5)
    return figure


def draw_logistic_layers(tables: Tables, panels: Sequence[Panel]) -> Figure:
    """Excess loss against true layers: trained, built, Newton as the paper counts it, gradient
    descent.
    """
    with styled():
        figure, axes = plt.subplots(
            1, len(tables), figsize=(7.4 * len(tables), 4.6), squeeze=False, layout="constrained"
        )
        for ax, (condition, table) in zip(axes.flat, tables.items(), strict=True):
            rows = table[
                (table["quantity"] == "excess") & (table["layers"] >= 1) & (table["median"] > FLOOR)
            ]
            for family, depths in panels[0]["models"].items():
                draw_line(
                    ax,
                    rows[(rows["method"] == family) & rows["step"].isin(depths)],
                    family,
                    "layers",
                )
            for method in [
                "built_damped_newton",
                "built_gradient_descent",
                *panels[0]["algorithms"],
            ]:
                draw_line(ax, _until_converged(rows[rows["method"] == method]), method, "layers")
            ax.set_xscale("log", base=2)
            ax.set_yscale("log")
            ax.set_ylim(bottom=FLOOR)
            ax.set_ylabel("median excess loss f(w) − f(w*)")
            ax.set_xlabel(f"layers ({NEWTON}; gradient descent at 1; built: read off the module)")
            ax.set_title(condition_title(condition))
        figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside right center")
        figure.supxlabel(bands(next(iter(tables.values()))), fontsize=8.5)
    return figure


def _grid(
    tables: Tables, panel: Panel, quantity: str, label: str, logarithmic: bool = False
) -> Figure:
    columns = min(len(tables), 3)
    rows = -(-len(tables) // columns)
    with styled():
        size = ((4.1 if columns > 1 else 6.4) * columns, 3.4 * rows + 0.5)
        figure, axes = plt.subplots(
            rows, columns, figsize=size, squeeze=False, layout="constrained"
        )
        for ax, (condition, table) in zip(axes.flat, tables.items(), strict=False):
            _draw(ax, table, panel, quantity, label)
            ax.set_title(condition_title(condition), fontsize=9)
            if logarithmic:
                ax.set_yscale("log")
        for ax in axes.flat[len(tables) :]:
            ax.set_visible(False)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
        figure.supxlabel(bands(next(iter(tables.values()))), fontsize=8.5)
    return figure


def _draw(ax: Axes, table: pd.DataFrame, panel: Panel, quantity: str, label: str) -> None:
    """Trained models at their layers; algorithms at what a step costs, up to four Newton steps
    beyond the deepest model.
    """
    rows = table[table["quantity"] == quantity]
    deepest = max(max(depths) for depths in panel["models"].values())
    for family, depths in panel["models"].items():
        draw_line(ax, rows[rows["step"].isin(depths)], family)
    for algorithm in panel["algorithms"]:
        draw_line(ax, rows[rows["layers"] <= deepest + 4 * bounds.LAYERS], algorithm, "layers")
    if quantity == "loss":
        newton = rows[rows["method"] == "damped_newton"]
        lowest = newton.loc[newton["step"].idxmax(), "median"]
        ax.axhline(
            lowest,
            color="#222222",
            linestyle=(0, (1, 2)),
            linewidth=1.1,
            label="minimum of the loss",
        )
    ax.set_ylabel(label)
    ax.set_xlabel(f"layers ({NEWTON})")
    ax.xaxis.set_major_locator(MultipleLocator(bounds.LAYERS))


def _until_converged(rows: pd.DataFrame) -> pd.DataFrame:
    """The steps of one method up to the first that is as good as its best, but for rounding."""
    ordered = rows.sort_values("layers")
    reached = ordered["median"] <= 1.5 * ordered["median"].min()
    return ordered[~reached.shift(fill_value=False).cummax()]
