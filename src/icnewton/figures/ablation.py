"""Variants of one recipe against depth: what a choice costs, seed by seed."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.evaluation.statistics import squared_residual
from icnewton.figures.curves import draw_level
from icnewton.figures.parts.style import VARIANTS, condition_title, look, styled


def draw_ablation(
    frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]
) -> Figure:
    """One axes a condition: each seed's median error as a point, a line through the middle seed;
    algorithms at equal steps.

    The line is broken where the middle seed diverged.
    """
    with styled():
        figure, axes = plt.subplots(
            1, len(frames), figsize=(7.6 * len(frames), 4.6), squeeze=False, layout="constrained"
        )
        for ax, (condition, frame) in zip(axes.flat, frames.items(), strict=True):
            errors = frame.assign(error=squared_residual(frame)).groupby(
                ["method", "step", "seed"], observed=True
            )["error"]
            medians = errors.median().reset_index()
            depths = sorted({layers for steps in panels[0]["models"].values() for layers in steps})
            for index, (method, (colour, marker, line)) in enumerate(
                zip(panels[0]["models"], cycle(VARIANTS), strict=False)
            ):
                shift = 0.05 * (
                    index - (len(panels[0]["models"]) - 1) / 2
                )  # so that points do not cover each other
                _draw(
                    ax,
                    medians[medians["method"] == method],
                    _label(method),
                    shift,
                    colour,
                    marker,
                    line,
                )
            for algorithm in panels[0]["algorithms"]:
                style, rows = (
                    look(algorithm),
                    medians[(medians["method"] == algorithm) & medians["step"].isin(depths)],
                )
                ax.plot(
                    rows["step"],
                    rows["error"],
                    ":",
                    color="#888888",
                    marker=style.marker,
                    label=style.label,
                )
            draw_level(ax, medians.groupby("method", observed=True)["error"].first())
            ax.set_yscale("log")
            ax.set_xlabel("layers (or steps)")
            ax.set_ylabel("median squared error / tr Σ, of each seed")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.set_title(condition_title(condition))
            ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _label(method: str) -> str:
    return method.partition("-")[2].replace("_", " ") or look(method).label


def _draw(
    ax: Axes, rows: pd.DataFrame, label: str, shift: float, colour: str, marker: str, line: str
) -> None:
    middle = (
        rows.fillna({"error": np.inf}).groupby("step")["error"].median().replace(np.inf, np.nan)
    )
    if not rows.empty and middle.notna().any():
        ax.plot(middle.index + shift, middle, line, color=colour, marker=marker, label=label)
        ax.plot(
            rows["step"] + shift,
            rows["error"].replace(np.inf, np.nan),
            marker,
            color=colour,
            markersize=3,
            alpha=0.5,
        )
