"""The headline: error against true layers for what is learned, what is built, and what is
reachable.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.figures.curves import FLOOR, bands, draw_level, draw_line
from icnewton.figures.parts.style import condition_title, styled

FRAME = 3  # layers of a built model besides one a step


def draw_headline(
    tables: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]
) -> Figure:
    """One axes for each condition; every method stands at the layers that it costs as a
    transformer.
    """
    with styled():
        figure, axes = plt.subplots(1, len(tables), figsize=(6.4 * len(tables), 4.6), squeeze=False)
        last = FRAME + max(layers for depths in panels[0]["models"].values() for layers in depths)
        for ax, (condition, table) in zip(axes.flat, tables.items(), strict=True):
            shown = table[(table["layers"] >= 1) & (table["layers"] <= last)]
            for method in [
                *panels[0]["models"],
                "best_polynomial",
                "built_chebyshev",
                "built_newton2",
                *panels[0]["algorithms"],
            ]:
                draw_line(ax, shown, method, x="layers")
            draw_level(ax, table.groupby("method")["median"].first())
            ax.set_yscale("log")
            ax.set_ylim(bottom=max(ax.get_ylim()[0], FLOOR))
            trained = shown[shown["method"].isin(panels[0]["models"])]
            ax.set_xlabel(
                f"layers of linear attention\n({bands(shown if trained.empty else trained)})"
            )
            ax.set_ylabel("median squared error / tr Σ")
            ax.set_title(condition_title(condition))
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        drawn = [
            pair for ax in axes.flat for pair in zip(*ax.get_legend_handles_labels(), strict=True)
        ]
        looks = {label: handle for handle, label in drawn}
        axes.flat[-1].legend(
            looks.values(), looks.keys(), loc="center left", bbox_to_anchor=(1.0, 0.5)
        )
        figure.tight_layout()
    return figure
