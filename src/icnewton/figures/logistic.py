"""Trained and built transformers on logistic regression against their layers (Figures 1 and 7, and
the later grids).
"""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator

from icnewton.evaluation.statistics import of_quantity
from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.lines import bands, draw_line
from icnewton.figures.parts.style import Look, Style, looks, methods_of, subplots
from icnewton.theory import bounds

FLOOR = 1e-13  # below this an excess loss is rounding
NEWTON = f"Newton counted at {bounds.LAYERS} layers a step"
BUILT = ("built_damped_newton", "built_logistic_gradient_descent")


def draw_grid(tables: Tables, panels: Sequence[Panel], words: Words, quantity: str) -> Figure:
    """The median of a quantity against layers, one axes a condition."""
    (panel,) = panels
    drawn = looks(methods_of(panels), words)
    columns = min(len(tables), 3)
    rows = -(-len(tables) // columns)
    size = ((4.1 if columns > 1 else 6.4) * columns, 3.4 * rows + 0.5)
    figure, axes = subplots(rows, columns, size)
    for ax, (condition, table) in zip(axes.flat, tables.items(), strict=False):
        _draw(ax, of_quantity(table, quantity), panel, drawn)
        if quantity == "loss":
            _draw_minimum(ax, of_quantity(table, quantity))
        else:
            ax.set_yscale("log")
        ax.set_ylabel(words.quantity(quantity))
        ax.set_title(words.condition(condition), fontsize=9)
    for ax in axes.flat[len(tables) :]:
        ax.set_visible(False)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    figure.supxlabel(bands(next(iter(tables.values()))), fontsize=8.5)
    return figure


def draw_training(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Figure 7: the loss, and the final training error, against layers."""
    (panel,) = panels
    condition, table = next(iter(tables.items()))
    drawn = looks(methods_of(panels), words)
    figure, ((left, right),) = subplots(1, 2, (10.4, 4.1))
    _draw(left, of_quantity(table, "loss"), panel, drawn)
    _draw_minimum(left, of_quantity(table, "loss"))
    final = of_quantity(table, "training_error")
    for family, depths in panel["models"].items():
        draw_line(right, final[final["step"].isin(depths)], family, drawn[family])
    left.set_ylabel(words.quantity("loss"))
    right.set_ylabel(words.quantity("training_error"))
    right.set_xlabel("layers")
    right.set_yscale("log")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set_title(words.condition(condition))
    left.legend(loc="upper right")
    figure.supxlabel(bands(table), fontsize=8.5)
    return figure


def draw_layers(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Excess loss against true layers: trained, built, Newton as the paper counts it, gradient
    descent.
    """
    (panel,) = panels
    iterated = [*BUILT, *panel["algorithms"]]
    drawn = looks([*panel["models"], *iterated], words)
    figure, axes = subplots(1, len(tables), (7.4 * len(tables), 4.6))
    for ax, (condition, table) in zip(axes.flat, tables.items(), strict=True):
        excess = of_quantity(table, "excess")
        rows = excess[(excess["layers"] >= 1) & (excess["median"] > FLOOR)]
        for family, depths in panel["models"].items():
            draw_line(ax, rows[rows["step"].isin(depths)], family, drawn[family], "layers")
        for method in iterated:
            shown = _until_converged(rows[rows["method"] == method])
            draw_line(ax, shown, method, drawn[method], "layers")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_ylim(bottom=FLOOR)
        ax.set_ylabel(words.quantity("excess"))
        ax.set_xlabel(f"layers ({NEWTON}; gradient descent at 1; built: read off the module)")
        ax.set_title(words.condition(condition))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center")
    figure.supxlabel(bands(next(iter(tables.values()))), fontsize=8.5)
    return figure


def _draw(ax: Axes, rows: pd.DataFrame, panel: Panel, drawn: Mapping[str, Look]) -> None:
    """Trained models at their layers; algorithms at what a step costs, up to four Newton steps
    beyond the deepest model.
    """
    for family, depths in panel["models"].items():
        draw_line(ax, rows[rows["step"].isin(depths)], family, drawn[family])
    deepest = max(max(depths) for depths in panel["models"].values())
    near = rows[rows["layers"] <= deepest + 4 * bounds.LAYERS]
    for algorithm in panel["algorithms"]:
        draw_line(ax, near, algorithm, drawn[algorithm], "layers")
    ax.set_xlabel(f"layers ({NEWTON})")
    ax.xaxis.set_major_locator(MultipleLocator(bounds.LAYERS))


def _draw_minimum(ax: Axes, losses: pd.DataFrame) -> None:
    """A horizontal line at the loss that Newton's method ends at, if it is there."""
    newton = losses[losses["method"] == "damped_newton"]
    if newton.empty:
        return
    lowest = newton.loc[newton["step"].idxmax(), "median"]
    line: Style = {"linestyle": (0, (1, 2)), "linewidth": 1.1, "label": "minimum of the loss"}
    ax.axhline(lowest, color="#222222", **line)


def _until_converged(rows: pd.DataFrame) -> pd.DataFrame:
    """The steps of one method up to the first that is as good as its best, but for rounding."""
    ordered = rows.sort_values("layers")
    reached = ordered["median"] <= 1.5 * ordered["median"].min()
    return ordered[~reached.shift(fill_value=False).cummax()]


CAPTIONS = {
    "logistic_loss": (
        "Median regularised logistic loss f(w), Eq. (3.5), against layers. The encoder (softmax "
        "attention) answers at its last token after so many layers; damped Newton is drawn at "
        "the paper's 13 layers a step, as in Figures 1 and 7. Newton's method without a "
        "transformer needs the steps alone. The transformers built here need fewer layers a "
        "step: see Section 5."
    ),
    "logistic_training": (
        "Left as in Figure 1; right the mean squared error between the encoder's answer and the "
        "minimiser of the loss, over the last hundredth of its training."
    ),
    "logistic_distance": (
        "Median relative distance to the minimiser that Newton's method converges to. The "
        "encoder is trained on that minimiser or on the true weights, whose length the labels "
        "do not reveal. Damped Newton at 13 layers a step, gradient descent at 1."
    ),
    "logistic_layers": (
        "Median excess loss against layers, every method at what it costs as a transformer: the "
        "built damped-Newton transformer at 5 + k layers a step, read off its module; damped "
        "Newton at the paper's 13; gradient descent at the one layer a step that the built "
        "transformer needs (the built one has a fixed rate 1/(μ + 1/4), the exact one 1/L for "
        "each prompt). On prompts this well conditioned gradient descent needs fewer layers "
        "than Newton's method in any construction."
    ),
}
ENTRIES = {
    # Figures 1 and 7, left, and the grid over kappa and mu
    "logistic_loss": Kind(
        partial(draw_grid, quantity="loss"),
        "medians",
        problem="logistic",
        caption=CAPTIONS["logistic_loss"],
    ),
    # to the minimiser that Newton converges to
    "logistic_distance": Kind(
        partial(draw_grid, quantity="distance"),
        "medians",
        problem="logistic",
        caption=CAPTIONS["logistic_distance"],
    ),
    "logistic_training": Kind(
        draw_training, "medians", problem="logistic", caption=CAPTIONS["logistic_training"]
    ),
    "logistic_layers": Kind(
        draw_layers, "medians", problem="logistic", caption=CAPTIONS["logistic_layers"]
    ),
}
