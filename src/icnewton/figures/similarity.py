"""Similarity of errors: which step of an algorithm errs like which depth (as in Fu et al., arXiv
2310.17086).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from icnewton.evaluation.statistics import of_quantity, similarity
from icnewton.figures.parts.kind import Kind, Panel, Tables, Words
from icnewton.figures.parts.style import frame_cell, method_label, styled, subplots


def draw_similarity(frames: Tables, panels: Sequence[Panel], words: Words) -> Figure:
    """Heat maps of cosines between residuals, rows conditions, columns algorithms; the best step of
    a depth is framed.
    """
    (panel,) = panels
    family, depths = next(iter(panel["models"].items()))
    rows, columns = len(frames), len(panel["algorithms"])
    with styled({"axes.grid": False}):
        figure, axes = subplots(rows, columns, (5.6 * columns, 2.9 * rows))
        for row, (condition, everything) in zip(axes, frames.items(), strict=True):
            residuals = of_quantity(everything, "residual")
            frame = residuals[np.isfinite(residuals["value"])]
            model = frame[(frame["method"] == family) & frame["step"].isin(depths)]
            for ax, algorithm in zip(row, panel["algorithms"], strict=True):
                steps = frame[(frame["method"] == algorithm) & (frame["step"] >= 1)]
                _draw_map(ax, similarity(model, steps))
                ax.set_xlabel(f"steps of {method_label(algorithm, words)}")
                ax.set_ylabel(f"layers of {method_label(family, words)}")
                ax.set_title(words.condition(condition), fontsize=8.5)
    sample = next(iter(frames.values()))
    prompts, covariances = sample["prompt"].nunique(), sample["covariance"].nunique()
    text = f"over {prompts} prompts of {covariances} covariances; framed: the most similar step"
    figure.supxlabel(text, fontsize=8.5)
    return figure


def _draw_map(ax: Axes, table: pd.DataFrame) -> None:
    values = table.to_numpy()
    if not values.size:
        ax.axis("off")
        return
    image = ax.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto", origin="lower")
    steps, slant = [str(step) for step in table.columns], 45 if values.shape[1] > 15 else 0
    ax.set_xticks(range(values.shape[1]), steps, fontsize=7.5, rotation=slant)
    ax.set_yticks(range(values.shape[0]), [str(step) for step in table.index])
    for (i, j), value in np.ndenumerate(values):
        shade = "black" if value > 0.55 else "white"
        ax.text(j, i, _short(value), ha="center", va="center", fontsize=6.5, color=shade)
    for i, j in enumerate(values.argmax(axis=1)):
        frame_cell(ax, i, j)
    ax.figure.colorbar(image, ax=ax, label="cosine of residuals", pad=0.02)


def _short(value: float) -> str:
    """Two decimals without the leading zero: ``.83``, ``-.04``, ``.00``."""
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1)


CAPTIONS = {
    "similarity": (
        "Cosines between residual vectors, over the same prompts, of trained models (rows: layers) "
        "and of an algorithm (columns: steps). A frame marks the step whose errors are most like a "
        "depth's."
    ),
}
ENTRIES = {
    "similarity": Kind(draw_similarity, "errors", problem="linear", caption=CAPTIONS["similarity"])
}
