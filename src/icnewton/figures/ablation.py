"""Variants of one recipe against depth: what a choice costs, seed by seed."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.evaluation.statistics import of_quantity, squared_residual
from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.lines import PLATEAU, draw_level
from icnewton.figures.parts.style import CYCLE, Look, Style, looks, method_label, subplots

APART = 0.05  # layers between the points of two models, so that they do not cover each other


def draw_ablation(frames: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes a condition: each seed's median error as a point, a line through the middle seed;
    algorithms at equal steps.

    The line is broken where the middle seed diverged.
    """
    (panel,) = panels
    level = looks([PLATEAU], words)[PLATEAU]
    columns = min(len(frames), 2)
    rows = -(-len(frames) // columns)
    figure, axes = subplots(rows, columns, (7.6 * columns, 4.6 * rows))
    for ax in axes.flat[len(frames) :]:
        ax.set_visible(False)
    for ax, (condition, frame) in zip(axes.flat, frames.items(), strict=False):
        medians = _medians(frame)
        _draw_models(ax, medians, panel, words)
        _draw_algorithms(ax, medians, panel, words)
        draw_level(ax, medians.groupby("method", observed=True)["error"].first(), level)
        ax.set_yscale("log")
        ax.set_xlabel("layers (or steps)")
        ax.set_ylabel("median squared error / tr Σ, of each seed")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_title(words.condition(condition))
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _medians(frame: pd.DataFrame) -> pd.DataFrame:
    """The median ``error`` of each method, step and seed."""
    residuals = of_quantity(frame, "residual")
    errors = residuals.assign(error=squared_residual(residuals))
    keys = ["method", "step", "seed"]
    return errors.groupby(keys, observed=True)["error"].median().reset_index()


def _draw_models(ax: Axes, medians: pd.DataFrame, panel: Panel, words: Words) -> None:
    models = list(panel["models"])
    for index, (method, drawn) in enumerate(zip(models, cycle(CYCLE), strict=False)):
        label = method.partition("-")[2].replace("_", " ") or method_label(method, words)
        shift = APART * (index - (len(models) - 1) / 2)
        _draw_seeds(ax, medians[medians["method"] == method], Look(label, *drawn), shift)


def _draw_seeds(ax: Axes, rows: pd.DataFrame, look: Look, shift: float) -> None:
    finite = rows["error"].replace(np.inf, np.nan)
    seeds = rows.fillna({"error": np.inf}).groupby("step")["error"]
    middle = seeds.median().replace(np.inf, np.nan)
    if middle.notna().any():
        line: Style = {"color": look.colour, "marker": look.marker, "label": look.label}
        ax.plot(middle.index + shift, middle, look.line, **line)
        points: Style = {"color": look.colour, "markersize": 3, "alpha": 0.5}
        ax.plot(rows["step"] + shift, finite, look.marker, **points)


def _draw_algorithms(ax: Axes, medians: pd.DataFrame, panel: Panel, words: Words) -> None:
    """Algorithms at the depths of the models."""
    depths = set().union(*panel["models"].values())
    for method, look in looks(panel["algorithms"], words).items():
        rows = medians[(medians["method"] == method) & medians["step"].isin(depths)]
        line: Style = {"color": "#888888", "marker": look.marker, "label": look.label}
        ax.plot(rows["step"], rows["error"], ":", **line)


CAPTIONS = {
    "ablation": (
        "Variants of one recipe at equal depth: each point is the median error of one training, "
        "lines join the middle seeds. Every variant differs from the recipe in what its name "
        "says; the settings stand in the configuration under Provenance. Grey: Newton's "
        "iteration, a step a layer."
    ),
}
ENTRIES = {
    "ablation": Kind(draw_ablation, "errors", problem="linear", caption=CAPTIONS["ablation"])
}
