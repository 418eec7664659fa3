"""Damped-Newton transformers by measurement: Figure 10, layers against accuracy, width against
error, the error budget.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.figures.parts.style import VARIANTS, styled
from icnewton.theory import bounds
from icnewton.theory.laws import fit_line, iterated_logarithm, layers_needed, width_exponent

Panels = Sequence[Mapping[str, Any]]
Tables = Mapping[str, pd.DataFrame]

GADGETS = {
    "root": "u₁: √dᵢ",
    "product": "U₂: √dᵢ aᵢ",
    "inverse": "E₂: inverse",
    "probability": "ε₃: σ",
    "damping": "ε₄: damping",
}


def draw_built_decrease(tables: Tables, panels: Panels) -> Figure:
    """Figure 10: dh/dx over (x, c), and h(1/6) over c."""
    (table,) = tables.values()
    slope, value = (table[table["function"] == name] for name in ("slope", "value"))
    with styled({"axes.grid": False}):
        figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.0), layout="constrained")
        grid = slope.pivot(index="c", columns="x", values="value")
        image = axes[0].contourf(grid.columns, grid.index, grid, levels=14, cmap="cividis")
        figure.colorbar(image, ax=axes[0], label="dh/dx")
        axes[0].set_xlabel("x (decrement of g)")
        axes[0].set_ylabel("c = eᵀ∇g")
        axes[0].set_title(
            f"dh/dx ≤ {slope['enclosure'].max():.3g} (blank: no error vector has this c)"
        )
        axes[1].plot(value["c"], value["value"], color="#0072B2", label="h(1/6)")
        axes[1].axhline(
            value["enclosure"].max(), color="#D55E00", linestyle="--", label="enclosure from above"
        )
        axes[1].axhline(-bounds.DECREASE, color="#222222", linestyle=":", label="−0.01")
        axes[1].set_xlabel("c = eᵀ∇g")
        axes[1].set_title(f"h(1/6) ≤ {value['enclosure'].max():.4g}")
        axes[1].legend(loc="center")
    return figure


def draw_built_layers(tables: Tables, panels: Panels) -> Figure:
    """Layers that reach an accuracy, against log log 1/eps with its fit (Theorem 1.1), beside what
    T(11 + 2k) would cost.
    """
    (table,) = tables.values()
    with styled():
        figure, ax = plt.subplots(figsize=(6.6, 4.4), layout="constrained")
        for (mu, rows), (colour, marker, line) in zip(
            table.groupby("mu", sort=False), VARIANTS, strict=False
        ):
            needed = layers_needed(rows)
            if len(needed) < 2:
                continue
            x, layers = (
                iterated_logarithm(needed["accuracy"].to_numpy()),
                needed["layers"].to_numpy(dtype=float),
            )
            fit = fit_line(x, layers)
            ax.plot(x, layers, marker, color=colour, label=f"built, μ = {mu:g}")
            ax.plot(
                x,
                fit.intercept + fit.slope * x,
                line,
                color=colour,
                label=f"{fit.intercept:.3g} + {fit.slope:.3g} log₂log₂ 1/ε",
            )
        accuracies = 10.0 ** -np.arange(1, 9)
        ax.set_xticks(iterated_logarithm(accuracies), [f"1e-{k}" for k in range(1, 9)], fontsize=8)
        ax.set_xlabel("ε, distance to the minimiser reached for every prompt (scale: log log 1/ε)")
        ax.set_ylabel("layers")
        ax.set_ylim(0, 1.45 * ax.get_ylim()[1])
        ax.legend(loc="upper left", ncols=1, fontsize=8)
    return figure


def draw_built_width(tables: Tables, panels: Panels) -> Figure:
    """Hidden width against the error of a step: measured, with fitted exponent, beside the
    theorem's eps^-4.
    """
    (table,) = tables.values()
    with styled():
        figure, ax = plt.subplots(figsize=(9.0, 4.6), layout="constrained")
        for (mu, rows), (colour, marker, line) in zip(
            table.groupby("mu", sort=False), VARIANTS, strict=False
        ):
            by_width = rows.groupby("hidden_width")
            error = by_width["step_error"].median()
            exponent, low, high = width_exponent(rows)
            label = f"measured, μ = {mu:g}: $ε^{{-p}}$, p = {exponent:.2f} [{low:.2f}, {high:.2f}]"
            ax.plot(error, error.index, marker=marker, linestyle=line, color=colour, label=label)
            own = by_width["step_error_bound"].first()
            ax.plot(
                own,
                own.index,
                marker=marker,
                linestyle=line,
                color=colour,
                alpha=0.45,
                fillstyle="none",
                label="  our bound",
            )
        low_error, widths = table["step_error"].median(), table["hidden_width"]
        slope = np.array([widths.min(), widths.max()], dtype=float)
        ax.plot(
            low_error * (slope / np.median(widths)) ** -0.25,
            slope,
            color="#222222",
            linestyle=(0, (1, 1)),
            label="slope of ε⁻⁴",
        )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("ε, largest error of a step (median over prompts)")
        ax.set_ylabel("hidden width")
        figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure


def draw_built_budget(tables: Tables, panels: Panels) -> Figure:
    """Error with one gadget exact, and with one alone inexact: at the end (left) and in the worst
    step (right).
    """
    (table,) = tables.values()
    groups = list(table.groupby("mu", sort=False))
    with styled():
        shape = (len(groups), 2)
        figure, axes = plt.subplots(
            *shape, figsize=(10.4, 3.0 * len(groups) + 0.4), squeeze=False, layout="constrained"
        )
        for row, (mu, rows) in zip(axes, groups, strict=True):
            for ax, column, title in zip(
                row,
                ("distance", "step_error"),
                ("distance to the minimiser", "largest error of a step"),
                strict=True,
            ):
                _bars(ax, rows, column)
                ax.set_title(f"{title}, μ = {mu:g}")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _bars(ax: Axes, rows: pd.DataFrame, column: str) -> None:
    medians = rows.groupby(["variant", "gadget"])[column].median()
    places = np.arange(len(GADGETS))
    for offset, variant, colour, hatch, label in (
        (-0.2, "without", "#0072B2", "", "this gadget exact, the others not"),
        (0.2, "only", "#E69F00", "//", "only this gadget inexact"),
    ):
        heights = [medians[variant, gadget] for gadget in GADGETS]
        ax.bar(
            places + offset,
            heights,
            0.38,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=label,
        )
    ax.axhline(
        medians["all", "none"],
        color="#222222",
        linestyle="--",
        linewidth=1.2,
        label="no gadget exact",
    )
    ax.set_axisbelow(True)
    ax.set_yscale("log")
    ax.set_ylim(bottom=1e-17)
    ax.set_xticks(places, list(GADGETS.values()), fontsize=8)
