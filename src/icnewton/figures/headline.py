"""The headline: error against true layers for what is learned, what is built, and what is
reachable.
"""

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.lines import FLOOR, PLATEAU, bands, draw_level, draw_line, judged
from icnewton.figures.parts.style import looks, subplots

FRAME = 3  # layers of a built model besides one a step
REACHABLE = (
    "best_polynomial",
    "built_gdpp_fitted",
    "built_chebyshev3",
    "built_gdpp",
    "built_chebyshev",
    "built_newton2",
)


def draw_headline(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes for each condition; every method stands at the layers that it costs as a
    transformer.
    """
    (panel,) = panels
    models, size = panel["models"], (6.4 * len(tables), 4.6)
    methods = [*models, *REACHABLE, *panel["algorithms"]]
    drawn = looks([*methods, PLATEAU], words)
    last = FRAME + max(max(depths) for depths in models.values())
    figure, axes = subplots(1, len(tables), size, layout=None)
    named: dict[str, Artist] = {}
    for ax, (condition, everything) in zip(axes.flat, tables.items(), strict=True):
        table, label = judged(everything, words)
        shown = table[table["layers"].between(1, last)]
        for method in methods:
            draw_line(ax, shown, method, drawn[method], x="layers")
        draw_level(ax, table.groupby("method")["median"].first(), drawn[PLATEAU])
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(ax.get_ylim()[0], FLOOR))
        trained = shown[shown["method"].isin(models)]
        described = bands(shown if trained.empty else trained)
        ax.set_xlabel(f"layers of linear attention\n({described})")
        ax.set_ylabel(label)
        ax.set_title(words.condition(condition))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        handles, labels = ax.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    axes[0, -1].legend(named.values(), named.keys(), loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    return figure


CAPTIONS = {
    "headline": (
        "Error against layers of linear attention, every method at what it costs as a transformer: "
        "Newton's iteration and Chebyshev's have three layers around their steps. Solid lines are "
        "models with one set of weights for all prompts."
    ),
}
ENTRIES = {
    "headline": Kind(
        draw_headline, "medians", with_built=True, problem="linear", caption=CAPTIONS["headline"]
    )
}
