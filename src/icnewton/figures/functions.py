"""Outputs as one coordinate of a fixed query varies, within the training range and far beyond
(Figures 3 to 6).
"""

from collections.abc import Mapping, Sequence
from functools import partial

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.evaluation.statistics import FAR, NEAR, bootstrap, interval
from icnewton.figures.parts.kind import LAST_STEP, Kind, Panel, Tables, Words
from icnewton.figures.parts.style import Style, method_label, subplots

BELOW = (
    "first coordinate of the query of one fixed prompt "
    "(dashed: 99 % range in training; dotted: least squares)\n"
    "corners: relative distance from least squares at the ends of the last line, "
    "median of {count} prompts and 95 % interval"
)


def draw_functions(frames: Tables, panels: Sequence[Panel], words: Words, reach: float) -> Figure:
    """Rows are conditions, columns methods, one line a depth or step, for the first probed prompt
    of the condition.

    The axes hold every iterate of the algorithms; a trained model that leaves them is cut.
    """
    (panel,) = panels
    steps = range(1, panel.get("steps", LAST_STEP) + 1)
    methods = {**panel["models"], **dict.fromkeys(panel["algorithms"], steps)}
    rows, columns = len(frames), len(methods)
    figure, axes = subplots(rows, columns, (3.3 * columns + 0.8, 3.2 * rows), sharey="row")
    for row, (condition, everything) in zip(axes, frames.items(), strict=True):
        frame = everything[np.isfinite(everything["output"])]
        first = frame[frame["covariance"] == frame["covariance"].min()]
        unit = first["value"].max() / FAR
        first = first[first["value"].abs() <= reach * unit * (1 + 1e-9)]
        _draw_row(row, first, methods, unit)
        for ax, (method, counts) in zip(row, methods.items(), strict=True):
            present = _of(frame, method, counts)
            _annotate(ax, present[present["step"] == present["step"].max()], reach * unit)
            ax.set_title(method_label(method, words))
        iterates = first[first["method"].isin(panel["algorithms"]) & first["step"].isin(steps)]
        if not iterates.empty:
            low, high = iterates["output"].min(), iterates["output"].max()
            row[0].set_ylim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        row[0].set_ylabel(f"output\n{words.condition(condition)}", fontsize=7.5)
    layers, steps_of = (ax.get_legend_handles_labels() for ax in (axes[0, 0], axes[0, -1]))
    figure.legend(*layers, title="layers", loc="outside right upper")
    if panel["algorithms"]:
        figure.legend(*steps_of, title="steps", loc="outside right lower")
    count = next(iter(frames.values()))["covariance"].nunique()
    figure.supxlabel(BELOW.format(count=count), fontsize=8.5)
    return figure


def _of(frame: pd.DataFrame, method: str, steps: Sequence[int]) -> pd.DataFrame:
    return frame[(frame["method"] == method) & frame["step"].isin(steps)]


def _draw_row(
    row: np.ndarray, first: pd.DataFrame, methods: Mapping[str, Sequence[int]], unit: float
) -> None:
    """One look for each count of layers or steps that the figure shows, the same on all axes."""
    shown = sorted(set().union(*methods.values()))
    colours = matplotlib.colormaps["viridis_r"](np.linspace(0.12, 1.0, max(len(shown), 2)))
    for ax, (method, steps) in zip(row, methods.items(), strict=True):
        frame = _of(first, method, steps)
        for index, step in enumerate(shown):
            rows = frame[frame["step"] == step]
            rows = rows[rows["seed"] == rows["seed"].min()].sort_values("value")
            if not rows.empty:
                style: Style = {"color": colours[index], "linewidth": 1.5, "label": str(step)}
                ax.plot(rows["value"], rows["output"], ("-", "--", "-.", ":")[index % 4], **style)
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
    off, size = ends["output"] - ends["least_squares"], ends["slope"] * ends["value"]
    worst = (off.abs() / size.abs()).groupby(ends["covariance"]).max().to_numpy()
    prompts = np.nan_to_num(worst, nan=np.inf)[:, None]
    low, high = interval(bootstrap(prompts))
    text = f"{np.median(prompts):.2g} [{low:.2g}, {high:.2g}]"
    white = {"color": "white", "alpha": 0.8, "pad": 1}
    ax.text(0.97, 0.03, text, transform=ax.transAxes, ha="right", fontsize=8, bbox=white)


def _kind(reach: float, caption: str) -> Kind:
    draw = partial(draw_functions, reach=reach)
    return Kind(draw, "probes", most_steps=LAST_STEP, problem="linear", caption=caption)


NEAR_BY = (  # Figures 3 and 5
    "Output as the first coordinate of one fixed query varies, over the training range (dashed: "
    "99 % of training inputs) and a third more. The dotted line is the least-squares answer, "
    "which is linear in the query."
)
FAR_OUT = (  # Figures 4 and 6
    "The same far out of distribution, up to 6.7 times the training range. Newton's iterates are "
    "linear in the query at every step; so is trained LSA whose query is no key, by construction; "
    "with the query among the keys, or with LayerNorm, a model need not be."
)
ENTRIES = {"functions_near": _kind(NEAR, NEAR_BY), "functions_far": _kind(FAR, FAR_OUT)}
