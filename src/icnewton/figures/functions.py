"""Outputs as one coordinate of a fixed query varies, within the training range and far beyond (Figures 3 to 6)."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.figures.style import RC, condition_title, look

NEAR, FAR = 20 / 14.9, 100 / 14.9  # in units of the 99 % range in training; the paper's axes end at 20 and 100


def draw_functions_near(frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]) -> Figure:
    """Figures 3 and 5: the training range and a third more."""
    return _draw(frames, panels, NEAR)


def draw_functions_far(frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]) -> Figure:
    """Figures 4 and 6: out of distribution."""
    return _draw(frames, panels, FAR)


def _draw(frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]], reach: float) -> Figure:
    """Rows are conditions, columns methods, one line a depth or step, for the first probed prompt of the condition.

    Outputs far from the least-squares line leave the axes.
    """
    panel = panels[0]
    methods: list[tuple[str, Sequence[int]]] = list(panel["models"].items())
    methods += [(algorithm, range(1, panel["steps"] + 1)) for algorithm in panel["algorithms"]]
    with plt.rc_context(RC):
        shape = (len(frames), len(methods))
        size = (3.3 * shape[1] + 0.8, 3.2 * shape[0])
        figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, sharey="row", layout="constrained")
        for row, (condition, frame) in zip(axes, frames.items(), strict=True):
            first = frame[frame["covariance"] == frame["covariance"].min()]
            for ax, (method, steps) in zip(row, methods, strict=True):
                _draw_method(ax, first[first["method"] == method], steps, reach)
                ax.set_title(look(method).label)
            row[0].set_ylabel(f"output\n{condition_title(condition)}", fontsize=7.5)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), title="layers", loc="outside right upper")
        figure.legend(*axes[0, -1].get_legend_handles_labels(), title="steps", loc="outside right lower")
        figure.supxlabel("first coordinate of the query (dashed: 99 % range in training; dotted: least squares)", fontsize=9)
    return figure


def _draw_method(ax: Axes, frame: pd.DataFrame, steps: Sequence[int], reach: float) -> None:
    unit = frame["value"].max() / FAR
    frame = frame[frame["value"].abs() <= reach * unit * (1 + 1e-9)]
    colours = plt.get_cmap("viridis_r")(np.linspace(0.12, 1.0, max(len(steps), 2)))
    for index, step in enumerate(steps):
        rows = frame[(frame["step"] == step) & (frame["seed"] == frame["seed"].min())].sort_values("value")
        line = ("-", "--", "-.", ":")[index % 4]
        ax.plot(rows["value"], rows["output"], line, color=colours[index], label=str(step), linewidth=1.5)
    reference = frame[frame["step"] == steps[0]].sort_values("value")
    ax.plot(reference["value"], reference["least_squares"], ":", color="black", linewidth=1.2)
    for edge in (-unit, unit):
        ax.axvline(edge, color="#888888", linestyle=(0, (5, 3)), linewidth=0.9)
    centre, half = reference["least_squares"].mean(), np.ptp(reference["least_squares"]) / 2
    ax.set_ylim(centre - 2.5 * half, centre + 2.5 * half)
