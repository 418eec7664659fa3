"""One look for all figures: names, colours, markers and line styles of methods, and reproducible
files.

Methods differ in marker and line style as well as in colour (Okabe and Ito's palette, safe for
colour blindness).
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from icnewton.files import write_atomically

logging.getLogger("fontTools").setLevel(logging.ERROR)

LAST_STEP = 6  # of an algorithm, where a panel does not say

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
    return plt.style.context(["default", RC | dict(changes or {})])


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
    "newton2": Look("Newton, order 2", "#D55E00", "^", "--"),
    "newton3": Look("Newton, order 3", "#E69F00", "v", "--"),
    "newton4": Look("Newton, order 4", "#CC79A7", "D", "--"),
    "newton5": Look("Newton, order 5", "#882255", "P", "--"),
    "newton6": Look("Newton, order 6", "#AA4499", "X", "--"),
    "newton8": Look("Newton, order 8", "#44AA99", "<", "--"),
    "newton10": Look("Newton, order 10", "#117733", ">", "--"),
    "gradient_descent": Look("gradient descent", "#555555", "x", ":"),
    "best_polynomial": Look("best fixed polynomial", "#000000", "*", "-."),
    "query_as_example": Look("least squares, the query\nan example of label 0", "#A00020", "", ":"),
    "built_chebyshev": Look("built Chebyshev", "#009E73", "h", "-"),
    "built_newton2": Look("built Newton, order 2", "#882255", "p", "-"),
    "softmax": Look("trained encoder", "#0072B2", "o"),
    "softmax_truth": Look("trained on true weights", "#56B4E9", "s"),
    "built_damped_newton": Look("built damped Newton", "#009E73", "h", "-"),
    "built_gradient_descent": Look("built gradient descent", "#882255", "p", "-"),
    "damped_newton": Look("damped Newton", "#D55E00", "^", "--"),
    "logistic_gradient_descent": Look("gradient descent, step 1/L", "#555555", "x", ":"),
    "logistic_steepest_descent": Look("gradient descent, line search", "#999999", "+", ":"),
}


# colour, marker and line of variants, in their order
VARIANTS = (
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


def look(method: str) -> Look:
    """The look of a method; a variant has its family's name and its own, and one without an entry
    its own name in grey.
    """
    family, _, variant = method.partition("-")
    if variant:
        return Look(f"{look(family).label}, {variant.replace('_', ' ')}", "#777777", ".", "--")
    return LOOKS.get(method, Look(method.replace("_", " "), "#777777", ".", "--"))


def condition_title(condition: str) -> str:
    """``normalised_kappa10_noise0.1`` or ``bounded_kappa10_mu0.1`` in words."""
    protocol, kappa, last = condition.split("_")
    scale = {
        "normalised": "normalised, tr Σ = d",
        "paper": "paper's protocol, λmax ~ U[1, 100]",
        "bounded": "‖a‖ ≤ 1",
    }[protocol]
    value = (
        f"noise {last.removeprefix('noise')}"
        if last.startswith("noise")
        else f"μ = {last.removeprefix('mu')}"
    )
    return f"{scale}, κ = {kappa.removeprefix('kappa')}, {value}"


def save(figure: Figure, paths: dict[str, Path]) -> None:
    """Write one figure to its PDF, PNG and SVG path; equal figures give equal bytes."""
    metadata = {"pdf": {"CreationDate": None}, "png": {"Software": None}, "svg": {"Date": None}}
    with styled():
        for kind, path in paths.items():
            write_atomically(
                path,
                partial(figure.savefig, format=kind, metadata=metadata[kind], bbox_inches="tight"),
            )
    plt.close(figure)
