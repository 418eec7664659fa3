"""Outputs as one coordinate of a fixed query varies, within the training range and far beyond
(Figures 3 to 6).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.evaluation.statistics import FAR, NEAR, bootstrap_medians, interval
from icnewton.figures.parts.style import LAST_STEP, condition_title, look, styled


def draw_functions_near(
    frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]
) -> Figure:
    """Figures 3 and 5: the training range and a third more."""
    return _draw(frames, panels, NEAR)


def draw_functions_far(
    frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]
) -> Figure:
    """Figures 4 and 6: out of distribution."""
    return _draw(frames, panels, FAR)


def _draw(
    frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]], reach: float
) -> Figure:
    """Rows are conditions, columns methods, one line a depth or step, for the first probed prompt
    of the condition.

    The axes hold every iterate of the algorithms; a trained model that leaves them is cut.
    """
    panel = panels[0]
    methods: list[tuple[str, Sequence[int]]] = list(panel["models"].items())
    methods += [
        (algorithm, range(1, panel.get("steps", LAST_STEP) + 1))
        for algorithm in panel["algorithms"]
    ]
    counts = sorted({step for _, steps in methods for step in steps})
    with styled():
        shape = (len(frames), len(methods))
        size = (3.3 * shape[1] + 0.8, 3.2 * shape[0])
        figure, axes = plt.subplots(
            *shape, figsize=size, squeeze=False, sharey="row", layout="constrained"
        )
        for row, (condition, everything) in zip(axes, frames.items(), strict=True):
            frame = everything[np.isfinite(everything["output"])]
            first = frame[frame["covariance"] == frame["covariance"].min()]
            unit = first["value"].max() / FAR
            first = first[first["value"].abs() <= reach * unit * (1 + 1e-9)]
            for ax, (method, steps) in zip(row, methods, strict=True):
                _draw_method(
                    ax, first[(first["method"] == method) & first["step"].isin(steps)], counts, unit
                )
                ax.set_title(look(method).label)
                present = frame[(frame["method"] == method) & frame["step"].isin(steps)]
                _annotate(ax, present[present["step"] == present["step"].max()], reach * unit)
            shown = first[
                first["method"].isin(panel["algorithms"])
                & first["step"].between(1, methods[-1][1][-1])
            ]
            low, high = shown["output"].min(), shown["output"].max()
            row[0].set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
            row[0].set_ylabel(f"output\n{condition_title(condition)}", fontsize=7.5)
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(), title="layers", loc="outside right upper"
        )
        figure.legend(
            *axes[0, -1].get_legend_handles_labels(), title="steps", loc="outside right lower"
        )
        count = next(iter(frames.values()))["covariance"].nunique()
        figure.supxlabel(
            "first coordinate of the query of one fixed prompt (dashed: 99 % range in training; dotted: least squares)\n"
            "corners: relative distance from least squares at the ends of the last line, "
            f"median of {count} prompts and 95 % interval",
            fontsize=8.5,
        )
    return figure


def _draw_method(ax: Axes, frame: pd.DataFrame, counts: Sequence[int], unit: float) -> None:
    """One look for each count of layers or steps that the figure shows, the same on all axes."""
    colours = plt.get_cmap("viridis_r")(np.linspace(0.12, 1.0, max(len(counts), 2)))
    for index, step in enumerate(counts):
        rows = frame[frame["step"] == step]
        rows = rows[rows["seed"] == rows["seed"].min()].sort_values("value")
        if rows.empty:
            continue
        line = ("-", "--", "-.", ":")[index % 4]
        ax.plot(
            rows["value"],
            rows["output"],
            line,
            color=colours[index],
            label=str(step),
            linewidth=1.5,
        )
    reference = frame[frame["step"] == frame["step"].min()].sort_values("value")
    ax.plot(reference["value"], reference["least_squares"], ":", color="black", linewidth=1.2)
    for edge in (-unit, unit):
        ax.axvline(edge, color="#888888", linestyle=(0, (5, 3)), linewidth=0.9)


def _annotate(ax: Axes, frame: pd.DataFrame, end: float) -> None:
    """Write |output - least squares| / |slope * value| at the ends of the axes: median over prompts
    with interval.
    """
    if frame.empty:
        return
    value = frame.loc[(frame["value"] - end).abs().idxmin(), "value"]
    ends = frame[np.isclose(frame["value"].abs(), value)]
    distance = (ends["output"] - ends["least_squares"]).abs() / (
        ends["slope"] * ends["value"]
    ).abs()
    prompts = np.nan_to_num(distance.groupby(ends["covariance"]).max().to_numpy(), nan=np.inf)[
        :, None
    ]
    low, high = interval(bootstrap_medians(prompts))
    text = f"{np.median(prompts):.2g} [{low:.2g}, {high:.2g}]"
    ax.text(
        0.97,
        0.03,
        text,
        transform=ax.transAxes,
        ha="right",
        fontsize=8,
        bbox={"color": "white", "alpha": 0.8, "pad": 1},
    )
