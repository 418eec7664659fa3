"""Damped-Newton transformers by measurement: Figure 10, layers against accuracy, width against
error, the error budget.
"""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.evaluation.laws import fit_line, iterated_logarithm, layers_needed, width_exponent
from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.style import CYCLE, Style, styled, subplots
from icnewton.theory import bounds

GADGETS = {
    "root": "u₁: √dᵢ",
    "product": "U₂: √dᵢ aᵢ",
    "inverse": "E₂: inverse",
    "probability": "ε₃: σ",
    "damping": "ε₄: damping",
}
BARS = (  # offset, intervention, colour, hatch, label
    (-0.2, "without", "#0072B2", "", "this gadget exact, the others not"),
    (0.2, "only", "#E69F00", "//", "only this gadget inexact"),
)
ERRORS = {"distance": "distance to the minimiser", "step_error": "largest error of a step"}


def draw_decrease(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Figure 10: dh/dx over (x, c), and h(1/6) over c."""
    (table,) = tables.values()
    slope, value = (table[table["function"] == name] for name in ("slope", "value"))
    grid = slope.pivot(index="c", columns="x", values="value")
    with styled({"axes.grid": False}):
        figure, ((left, right),) = subplots(1, 2, (10.4, 4.0))
        image = left.contourf(grid.columns, grid.index, grid, levels=14, cmap="cividis")
        figure.colorbar(image, ax=left, label="dh/dx")
        left.set_xlabel("x (decrement of g)")
        left.set_ylabel("c = eᵀ∇g")
        largest = slope["enclosure"].max()
        left.set_title(f"dh/dx ≤ {largest:.3g} (blank: no error vector has this c)")
        above = value["enclosure"].max()
        right.plot(value["c"], value["value"], color="#0072B2", label="h(1/6)")
        right.axhline(above, color="#D55E00", linestyle="--", label="enclosure from above")
        right.axhline(-bounds.DECREASE, color="#222222", linestyle=":", label="−0.01")
        right.set_xlabel("c = eᵀ∇g")
        right.set_title(f"h(1/6) ≤ {above:.4g}")
        right.legend(loc="center")
    return figure


def draw_layers(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Layers that reach an accuracy, against log log 1/eps with its fit (Theorem 1.1)."""
    (table,) = tables.values()
    figure, ((ax,),) = subplots(1, 1, (6.6, 4.4))
    for (mu, rows), drawn in zip(table.groupby("mu", sort=False), cycle(CYCLE), strict=False):
        _draw_law(ax, layers_needed(rows), f"built, μ = {mu:g}", drawn)
    accuracies = 10.0 ** -np.arange(1, 9)
    ax.set_xticks(iterated_logarithm(accuracies), [f"1e-{k}" for k in range(1, 9)], fontsize=8)
    ax.set_xlabel("ε, distance to the minimiser reached for every prompt (scale: log log 1/ε)")
    ax.set_ylabel("layers")
    ax.set_ylim(0, 1.45 * ax.get_ylim()[1])
    ax.legend(loc="upper left", ncols=1, fontsize=8)
    return figure


def _draw_law(ax: Axes, needed: pd.DataFrame, label: str, drawn: tuple[str, str, str]) -> None:
    """Points and their fitted line, if there are two."""
    if len(needed) < 2:
        return
    colour, marker, line = drawn
    x = iterated_logarithm(needed["accuracy"].to_numpy())
    layers = needed["layers"].to_numpy(dtype=float)
    fit = fit_line(x, layers)
    law = f"{fit.intercept:.3g} + {fit.slope:.3g} log₂log₂ 1/ε"
    ax.plot(x, layers, marker, color=colour, label=label)
    ax.plot(x, fit.intercept + fit.slope * x, line, color=colour, label=law)


def draw_width(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Hidden width against the error of a step: measured, with fitted exponent, beside the
    theorem's eps^-4.
    """
    (table,) = tables.values()
    figure, ((ax,),) = subplots(1, 1, (9.0, 4.6))
    for (mu, rows), drawn in zip(table.groupby("mu", sort=False), cycle(CYCLE), strict=False):
        style: Style = dict(zip(("color", "marker", "linestyle"), drawn, strict=True))
        by_width = rows.groupby("hidden_width")
        error, bound = by_width["step_error"].median(), by_width["step_error_bound"].first()
        exponent, low, high = width_exponent(rows)
        label = f"measured, μ = {mu:g}: $ε^{{-p}}$, p = {exponent:.2f} [{low:.2f}, {high:.2f}]"
        ax.plot(error, error.index, label=label, **style)
        faint: Style = {"alpha": 0.45, "fillstyle": "none", "label": "  our bound"}
        ax.plot(bound, bound.index, **style, **faint)
    widths = table["hidden_width"]
    ends = np.array([widths.min(), widths.max()], dtype=float)
    errors = table["step_error"].median() * (ends / np.median(widths)) ** -0.25
    ax.plot(errors, ends, color="#222222", linestyle=(0, (1, 1)), label="slope of ε⁻⁴")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("ε, largest error of a step (median over prompts)")
    ax.set_ylabel("hidden width")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure


def draw_budget(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Error with one gadget exact, and with one alone inexact: at the end (left) and in the worst
    step (right).
    """
    (table,) = tables.values()
    groups = list(table.groupby("mu", sort=False))
    figure, axes = subplots(len(groups), len(ERRORS), (10.4, 3.0 * len(groups) + 0.4))
    for row, (mu, rows) in zip(axes, groups, strict=True):
        for ax, (column, title) in zip(row, ERRORS.items(), strict=True):
            _draw_bars(ax, rows.groupby(["intervention", "gadget"])[column].median())
            ax.set_title(f"{title}, μ = {mu:g}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _draw_bars(ax: Axes, medians: pd.Series) -> None:
    places = np.arange(len(GADGETS))
    for offset, intervention, colour, hatch, label in BARS:
        heights = [medians[intervention, gadget] for gadget in GADGETS]
        bars: Style = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": label}
        ax.bar(places + offset, heights, 0.38, **bars)
    line: Style = {"linestyle": "--", "linewidth": 1.2, "label": "no gadget exact"}
    ax.axhline(medians["all", "none"], color="#222222", **line)
    ax.set_axisbelow(True)
    ax.set_yscale("log")
    ax.set_ylim(bottom=1e-17)
    ax.set_xticks(places, list(GADGETS.values()), fontsize=8)


CAPTIONS = {
    "built_decrease": (
        "Figure 10: the functions of App. E.1. The bounds in the titles hold on the whole "
        "range, not on a grid of points: every term is bounded on every cell of a grid by its "
        "monotonicity. Here c' is 1e-4, the largest that the paper's assumption on the error "
        "allows."
    ),
    "built_layers": (
        "Theorem 1.1: the fewest layers of a built damped-Newton transformer after which every "
        "prompt is within ε of the minimiser. A step has 5 + k layers; k grows as log log 1/ε "
        "and so does the number of steps, after a number of them that depends on μ alone."
    ),
    "built_width": (
        "Hidden width against the largest error of a step: measured, and our a-priori bound "
        "(open markers). Theorem 5.2's proof loses a power of four in two places: an error of "
        "λ² is turned into its square root in the step size for any direction, though both "
        "vanish together, and functions are approximated by steps, not by lines."
    ),
    "built_budget": (
        "The error terms of App. C, one at a time: after the layer that writes it, a block is "
        "overwritten by its exact value. At the end only the gradient's sigma matters, because "
        "the direction vanishes at the minimiser whatever the Hessian, its inverse and the "
        "damping are; in the worst step all of them count."
    ),
}
ENTRIES = {
    "built_decrease": Kind(
        draw_decrease, "measurement", "decrease", caption=CAPTIONS["built_decrease"]
    ),
    "built_layers": Kind(draw_layers, "measurement", "steps", caption=CAPTIONS["built_layers"]),
    "built_width": Kind(draw_width, "measurement", "widths", caption=CAPTIONS["built_width"]),
    "built_budget": Kind(draw_budget, "measurement", "budget", caption=CAPTIONS["built_budget"]),
}
