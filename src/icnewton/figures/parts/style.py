"""One look for all figures: names, colours, markers and line styles of methods, and reproducible
files.

Methods differ in marker and line style as well as in colour (Okabe and Ito's palette, safe for
colour blindness). Nothing here knows of windows, or of matplotlib's state beyond its settings.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, product
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from icnewton.figures.parts.kind import Panel, Words
from icnewton.files import write_atomically

Style = dict[str, Any]  # keywords of matplotlib

logging.getLogger("fontTools").setLevel(logging.ERROR)

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "svg.hashsalt": "icnewton",
    "pdf.fonttype": 42,
}


def styled(changes: Mapping[str, Any] | None = None) -> AbstractContextManager[None]:
    """The settings of all figures, with ``changes``: laid over matplotlib's defaults, whatever a
    user's matplotlibrc says.
    """
    return matplotlib.style.context(["default", RC | dict(changes or {})])


def subplots(
    rows: int,
    columns: int,
    size: tuple[float, float],
    layout: Literal["constrained"] | None = "constrained",
    sharey: bool | Literal["row"] = False,
) -> tuple[Figure, np.ndarray]:
    """A figure of a size in inches, and its axes ``(rows, columns)``."""
    figure = Figure(figsize=size, layout=layout)
    return figure, figure.subplots(rows, columns, sharey=sharey, squeeze=False)


@dataclass(frozen=True)
class Look:
    """How a method is named and drawn."""

    label: str
    colour: str
    marker: str
    line: str = "-"


LOOKS = {
    "lsa": Look("trained LSA", "#0072B2", "o"),
    "lsa_ln": Look("trained LSA + LN", "#56B4E9", "s"),
    "lsa-authors": Look("LSA, trained as published", "#332288", "D"),
    "lsa_ln-authors": Look("LSA + LN, trained as published", "#6699CC", "H"),
    "newton2": Look("Newton, order 2", "#D55E00", "^", "--"),
    "newton3": Look("Newton, order 3", "#E69F00", "v", "--"),
    "newton4": Look("Newton, order 4", "#CC79A7", "D", "--"),
    "newton5": Look("Newton, order 5", "#882255", "P", "--"),
    "newton6": Look("Newton, order 6", "#AA4499", "X", "--"),
    "newton8": Look("Newton, order 8", "#44AA99", "<", "--"),
    "newton10": Look("Newton, order 10", "#117733", ">", "--"),
    "gradient_descent": Look("gradient descent", "#555555", "x", ":"),
    "best_polynomial": Look("best fixed polynomial", "#000000", "*", "-."),
    "best_equivariant": Look("best equivariant answer", "#000000", "P", ":"),
    "query_as_example": Look("least squares, the query\nan example of label 0", "#A00020", "", ":"),
    "built_chebyshev": Look("built Chebyshev", "#009E73", "h", "-"),
    "built_newton2": Look("built Newton, order 2", "#882255", "p", "-"),
    "built_gdpp": Look("built GD++, triangle", "#999933", "X", "-"),
    "built_gdpp_fitted": Look("built GD++, fitted", "#117733", "P", "-"),
    "built_gdpp_guarded": Look("built GD++, guarded", "#44AA99", "d", "-"),
    "built_chebyshev3": Look("built Chebyshev, order 3", "#661100", "s", "-"),
    "built_minimax": Look("built minimax", "#000000", "*", "-"),
    "softmax": Look("trained encoder", "#0072B2", "o"),
    "softmax_hidden-authors": Look("encoder, trained as published", "#332288", "d"),
    "softmax_truth": Look("trained on true weights", "#56B4E9", "s"),
    "built_damped_newton": Look("built damped Newton", "#009E73", "h", "-"),
    "built_logistic_gradient_descent": Look("built gradient descent", "#882255", "p", "-"),
    "damped_newton": Look("damped Newton", "#D55E00", "^", "--"),
    "logistic_gradient_descent": Look("gradient descent, step 1/L", "#555555", "x", ":"),
    "logistic_steepest_descent": Look("gradient descent, line search", "#999999", "+", ":"),
}


# colour, marker and line of whatever has no entry, in turn
CYCLE = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "^", "--"),
    ("#009E73", "s", "-."),
    ("#CC79A7", "D", ":"),
    ("#E69F00", "v", "-"),
    ("#56B4E9", "P", "--"),
    ("#000000", "X", "-."),
    ("#882255", "<", ":"),
    ("#999933", ">", "-"),
    ("#999999", "p", "--"),
)


def method_label(method: str, words: Words) -> str:
    """What a method is called: by ``words``, else by its entry, else as it is; a variant without a
    title has its family's and its own name.
    """
    if method in words.methods:
        return words.methods[method]
    family, _, variant = method.partition("-")
    if variant:
        return f"{method_label(family, words)}, {variant.replace('_', ' ')}"
    return LOOKS[method].label if method in LOOKS else method.replace("_", " ")


def methods_of(panels: Sequence[Panel]) -> list[str]:
    """The models and algorithms that panels name."""
    names: list[str] = []
    for panel in panels:
        names += [*panel["models"], *panel["algorithms"]]
    return names


def looks(methods: Iterable[str], words: Words) -> dict[str, Look]:
    """The looks of the methods of one figure; those without an entry take turns at looks that no
    other method of the figure has.
    """
    names = list(dict.fromkeys(methods))
    known = {name: LOOKS[name] for name in names if name in LOOKS}
    spare = cycle(_spare(list(known.values())))
    chosen = {name: known[name] if name in known else next(spare) for name in names}
    return {name: replace(look, label=method_label(name, words)) for name, look in chosen.items()}


def _spare(taken: Sequence[Look]) -> list[Look]:
    """Looks without a label that none of ``taken`` has, those of other colours first."""
    colours = [colour for colour, _, _ in CYCLE]
    drawn = {(look.colour, look.marker, look.line) for look in taken}
    places = range(len(CYCLE))
    mixed = [
        (colours[i], *CYCLE[(i + turn) % len(CYCLE)][1:]) for turn, i in product(places, places)
    ]
    used = {look.colour for look in taken}
    free = sorted((look for look in mixed if look not in drawn), key=lambda look: look[0] in used)
    return [Look("", *look) for look in free]


def frame_cell(ax: Axes, row: int, column: int) -> Rectangle:
    """Put a frame around one cell of a heat map."""
    corner = (column - 0.5, row - 0.5)
    frame = Rectangle(corner, 1, 1, fill=False, edgecolor="#D55E00", linewidth=2)
    ax.add_patch(frame)
    return frame


def save(figure: Figure, paths: Mapping[str, Path]) -> None:
    """Write one figure to its PDF, PNG and SVG path; equal figures give equal bytes."""
    metadata = {"pdf": {"CreationDate": None}, "png": {"Software": None}, "svg": {"Date": None}}
    with styled():
        for kind, path in paths.items():
            settings: Style = {"format": kind, "metadata": metadata[kind], "bbox_inches": "tight"}
            write_atomically(path, partial(figure.savefig, **settings))
