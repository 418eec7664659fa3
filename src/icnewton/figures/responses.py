"""What models leave of each eigenvalue: their residual polynomials, and the worst of them beside
the minimax law.
"""

from collections.abc import Mapping, Sequence
from itertools import filterfalse

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.algorithms.parts.extremal import degree, least_maximum
from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.style import Look, Style, looks, subplots

COLUMNS, LAST, LOWEST, TINY = 3, 6, 1e-13, 1e-300
BUILT = ("built_minimax", "built_gdpp", "built_gdpp_guarded", "built_chebyshev3", "built_newton2")


def draw_polynomials(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes for each depth: |r| of trained models on prompts, and of built ones as curves.

    Several conditions stand below each other.
    """
    (panel,) = panels
    models, depths = panel["models"], sorted(set().union(*panel["models"].values()))
    drawn = looks([*models, *BUILT], words)
    across = -(-len(depths) // COLUMNS)
    size = (3.5 * COLUMNS + 2.6, 2.8 * across * len(tables) + 0.4)
    figure, axes = subplots(across * len(tables), COLUMNS, size)
    for part, (condition, table) in enumerate(tables.items()):
        places = axes[part * across : (part + 1) * across].flat
        for ax, depth in zip(places, depths, strict=False):
            _draw_depth(ax, table[table["layers"] == depth], models, drawn)
            title = f"{depth} layer{'s' * (depth != 1)}"
            ax.set_title(title if len(tables) == 1 else f"{words.condition(condition)}, {title}")
    for ax in axes[-1]:
        ax.set_xlabel("eigenvalue of AᵀA")
    for ax in axes[:, 0]:
        ax.set_ylabel("|r|, share of w that is left")
    for ax in filterfalse(Axes.has_data, axes.flat):
        ax.set_axis_off()
    found = [ax.get_legend_handles_labels() for ax in axes.flat]
    named = {label: handle for pair in found for handle, label in zip(*pair, strict=True)}
    figure.legend(named.values(), named.keys(), loc="outside right upper")
    return figure


def _draw_depth(
    ax: Axes, table: pd.DataFrame, models: Mapping[str, object], drawn: Mapping[str, Look]
) -> None:
    """|r| against eigenvalues, down to a three-hundredth of the best model's largest."""
    curves, points = (table[table["part"] == part] for part in ("identity", "prompts"))
    best = 1.0
    for method in models:
        rows, look = points[points["method"] == method], drawn[method]
        rows = rows[rows["seed"] == rows["seed"].min()]
        dots: Style = {"color": look.colour, "label": look.label, "markersize": 2.2}
        ax.plot(rows["eigenvalue"], rows["residual"].abs().clip(lower=TINY), "o", **dots)
    for method in BUILT:
        rows, look = curves[curves["method"] == method].sort_values("eigenvalue"), drawn[method]
        if not rows.empty:
            line: Style = {"color": look.colour, "label": look.label, "linewidth": 1.2}
            ax.plot(rows["eigenvalue"], rows["residual"].abs().clip(lower=TINY), **line)
            best = min(best, rows["residual"].abs().max())
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(max(best / 300, LOWEST / 10), 2)


def draw_boundary(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes for each condition: the worst error over its spectra, against layers.

    Below the law, in grey, there is no linear attention.
    """
    (panel,) = panels
    figure, axes = subplots(1, len(tables), (5.2 * len(tables) + 2.6, 4.6))
    methods = [*panel["models"], *BUILT]
    drawn = looks(methods, words)
    for ax, (condition, table) in zip(axes.flat, tables.items(), strict=True):
        worst = table[table["part"] == "identity"]
        layers = range(1, LAST + 1)
        low, high = worst["eigenvalue"].min(), worst["eigenvalue"].max()
        law = [max(least_maximum(degree(L), low, high), TINY) for L in layers]
        ax.plot(layers, law, color="black", linewidth=2, label="exact law, 1/Tₘ")
        ax.fill_between(layers, LOWEST / 100, law, color="#BBBBBB", alpha=0.5, linewidth=0)
        for method in methods:
            _draw_worst(ax, worst[worst["method"] == method], drawn[method])
        ax.set_yscale("log")
        ax.set_ylim(LOWEST, 3)
        ax.set_xlim(0.9, LAST + 0.1)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("layers")
        ax.set_title(f"{words.condition(condition)}\nspectra in [{low:.3g}, {high:.3g}]")
    axes[0, 0].set_ylabel("worst |ŷ − aᵀw| over ‖a‖ = ‖w‖ = 1")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    return figure


def _draw_worst(ax: Axes, rows: pd.DataFrame, look: Look) -> None:
    """The worst error of each depth: the median of its seeds, with a bar from best to worst."""
    by_seed = rows.groupby(["layers", "seed"])["error"].max().unstack()
    if by_seed.empty:
        return
    style: Style = {"color": look.colour, "marker": look.marker, "label": look.label}
    ax.plot(by_seed.index, by_seed.median(axis=1), look.line, **style)
    ax.vlines(by_seed.index, by_seed.min(axis=1), by_seed.max(axis=1), color=look.colour, alpha=0.6)


CAPTIONS = {
    "responses_polynomials": (
        "What models leave of each eigenvalue of the Gram matrix. Points are trained models on "
        "prompts of the condition: they lie on a curve as far as a model computes a polynomial of "
        "S. Curves are built models. Each cusp is a zero of the residual polynomial."
    ),
    "responses_boundary": (
        "The exact law: no linear attention with L layers has a smaller worst error over the "
        "spectra of a condition, and the minimax construction attains it. Models are measured on "
        "prompts with S = sI, for s on a grid and where the law decides."
    ),
}
ENTRIES = {
    "responses_polynomials": Kind(
        draw_polynomials,
        "responses",
        with_built=True,
        problem="linear",
        caption=CAPTIONS["responses_polynomials"],
    ),
    "responses_boundary": Kind(
        draw_boundary,
        "responses",
        with_built=True,
        problem="linear",
        caption=CAPTIONS["responses_boundary"],
    ),
}
