"""Similarity of errors: which step of an algorithm errs like which depth (as in Fu et al., arXiv
2310.17086).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from icnewton.evaluation.statistics import similarity
from icnewton.figures.parts.style import condition_title, look, styled


def draw_similarity(
    frames: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]
) -> Figure:
    """Heat maps of cosines between residuals, rows conditions, columns algorithms; the best step of
    a depth is framed.
    """
    panel = panels[0]
    family, depths = next(iter(panel["models"].items()))
    with styled({"axes.grid": False}):
        shape = (len(frames), len(panel["algorithms"]))
        figure, axes = plt.subplots(
            *shape, figsize=(5.6 * shape[1], 2.9 * shape[0]), squeeze=False, layout="constrained"
        )
        for row, (condition, everything) in zip(axes, frames.items(), strict=True):
            frame = everything[np.isfinite(everything["residual"])]
            model = frame[(frame["method"] == family) & frame["step"].isin(depths)]
            for ax, algorithm in zip(row, panel["algorithms"], strict=True):
                steps = frame[(frame["method"] == algorithm) & (frame["step"] >= 1)]
                _draw_map(ax, similarity(model, steps))
                ax.set_xlabel(f"steps of {look(algorithm).label}")
                ax.set_ylabel(f"layers of {look(family).label}")
                ax.set_title(condition_title(condition), fontsize=8.5)
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
    ax.set_xticks(
        range(values.shape[1]),
        [str(step) for step in table.columns],
        fontsize=7.5,
        rotation=45 if values.shape[1] > 15 else 0,
    )
    ax.set_yticks(range(values.shape[0]), [str(step) for step in table.index])
    for (i, j), value in np.ndenumerate(values):
        shade = "black" if value > 0.55 else "white"
        ax.text(j, i, _short(value), ha="center", va="center", fontsize=6.5, color=shade)
    for i, j in enumerate(values.argmax(axis=1)):
        ax.add_patch(
            Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#D55E00", linewidth=2)
        )
    ax.figure.colorbar(image, ax=ax, label="cosine of residuals", pad=0.02)


def _short(value: float) -> str:
    """Two decimals without the leading zero: ``.83``, ``-.04``, ``.00``."""
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".", 1)
