"""The headline: error against true layers for what is learned, what is built, and what is
reachable.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.labels import name_lines
from icnewton.figures.parts.lines import FLOOR, PLATEAU, bands, draw_level, draw_line, judged
from icnewton.figures.parts.style import looks, subplots

FRAME = 3  # layers of a built model besides one a step
ROOM = 1.5  # layers beside the last one, for names
REACHABLE = (
    "best_polynomial",
    "built_gdpp_fitted",
    "built_gdpp",
    "built_chebyshev3",
    "built_newton2",
)


def draw_headline(tables: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes for each condition; every method stands at the layers that it costs as a
    transformer, and has its name beside its line.
    """
    (panel,) = panels
    models, size = panel["models"], (9.0, 5.2 * len(tables))
    methods = [*models, *REACHABLE, *panel["algorithms"]]
    drawn = looks([*methods, PLATEAU], words)
    last = FRAME + max(max(depths) for depths in models.values())
    figure, axes = subplots(len(tables), 1, size, layout=None)
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
        ax.set_xticks(range(1, last + 1))
        ax.set_xlim(right=last + ROOM)
    figure.tight_layout()
    for ax in axes.flat:
        named = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
        if nameless := name_lines(ax, named):
            ax.legend(handles=nameless, loc="lower left")
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
