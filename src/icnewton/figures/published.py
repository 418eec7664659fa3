"""Figures 2, 8 and 9 as the paper evaluates them: the mean squared error over d of many prompts of
few covariances, steps of algorithms counted from 0.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from icnewton.evaluation.statistics import of_quantity
from icnewton.figures.parts.kind import LAST_STEP, Kind, Panel, Tables, Words
from icnewton.figures.parts.style import Look, looks, methods_of, subplots


def draw_published(frames: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """One axes for each condition and panel, from raw errors."""
    cells = [(condition, panel) for condition in frames for panel in panels]
    columns = min(len(cells), 2)
    rows = -(-len(cells) // columns)
    figure, axes = subplots(rows, columns, (5.2 * columns, 3.6 * rows + 0.4))
    drawn = looks(methods_of(panels), words)
    for ax in axes.flat[len(cells) :]:
        ax.set_visible(False)
    for ax, (condition, panel) in zip(axes.flat, cells, strict=False):
        means = _means(frames[condition])
        for family, depths in panel["models"].items():
            _draw(ax, means[means["step"].isin(depths)], family, drawn[family])
        steps = means[means["step"] <= panel.get("steps", LAST_STEP)]
        for algorithm in panel["algorithms"]:
            _draw(ax, steps, algorithm, drawn[algorithm])
        ax.set_yscale("log")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_ylabel("mean squared error / d")
        ax.set_title(words.condition(condition))
        ax.legend(loc="lower left")
    figure.supxlabel(
        f"layers of a model, or steps of an algorithm\n{_sample(frames)}", fontsize=8.5
    )
    return figure


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    """The mean of each method and step, over prompts and seeds."""
    errors = of_quantity(frame, "squared_error")
    return errors.groupby(["method", "step"], observed=True)["value"].mean().reset_index()


def _draw(ax: Axes, means: pd.DataFrame, method: str, look: Look) -> None:
    rows = means[means["method"] == method]
    if len(rows):
        style = {"color": look.colour, "marker": look.marker, "label": look.label}
        ax.plot(rows["step"], rows["value"], look.line, **style)  # type: ignore[arg-type]


def _sample(frames: Tables) -> str:
    sample = next(iter(frames.values()))
    prompts, covariances = sample["prompt"].nunique(), sample["covariance"].nunique()
    plural = "s" if covariances > 1 else ""
    return f"means of {prompts} prompts of {covariances} covariance{plural}"


CAPTION = (
    "The mean squared error over d, as the paper evaluates it: many prompts of one covariance, "
    "and steps of Newton's iteration counted from its start. A mean is ruled by a few hard "
    "prompts, and one covariance is not like the next; figures of medians over many covariances "
    "say more."
)
ENTRIES = {
    "published": Kind(
        draw_published, "errors", several_panels=True, problem="linear", caption=CAPTION
    )
}
