"""How a step's time, and what it keeps for the backward pass, grow with n, d, depth and batch."""

from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from tests.oracles.runs import make_run
from tqdm import tqdm

from bench.steps import alternate
from icnewton.figures.parts.style import LOOKS, Style, save, styled
from icnewton.training.fast.capture import stepper
from icnewton.training.fast.step import draw, quick_answer
from icnewton.training.runs import Run
from icnewton.training.step import squared_errors, start

AXES: dict[str, tuple[int, ...]] = {
    "n": (25, 50, 100, 200, 400),
    "d": (2, 5, 10, 20, 40),
    "layers": (1, 2, 4, 6, 8, 12),
    "batch": (125, 250, 500, 1000, 2000, 4000),
}
KINDS = {"lsa": "-", "lsa_ln": "--"}  # and their lines
NAMES = {"n": "examples n", "d": "dimension d", "layers": "layers", "batch": "batch"}


def saved_megabytes(run: Run) -> float:
    """Megabytes that one forward pass of the whole batch keeps for the backward pass."""
    state, sizes = start(run, "cpu"), dict[int, int]()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = squared_errors(run, state.transformer, *draw(run, state), quick_answer)
    del value
    return sum(sizes.values()) / 1e6


def scaling(device: str, picture: Path) -> list[dict[str, Any]]:
    """Rows of kind, axis, value, milliseconds and megabytes for LSA and LSA + LN; draws them into
    ``picture``.
    """
    rows = []
    for axis, values in tqdm(AXES.items(), desc="scaling"):
        for kind in KINDS:
            base = {"layers": 3, "batch": 1000}
            runs = [make_run(kind, **{**base, axis: value}) for value in values]
            times = alternate([stepper([run], [start(run, device)]) for run in runs], 11, device)
            for run, value, ms in zip(runs, values, times, strict=True):
                cost = {"ms": round(median(ms), 3), "saved_mb": round(saved_megabytes(run), 3)}
                rows.append({"kind": kind, "axis": axis, "value": value} | cost)
    with styled():
        figure = draw_scaling(rows)
    save(figure, {"png": picture})
    return rows


def draw_scaling(rows: list[dict[str, Any]]) -> Figure:
    """Time above memory, a column an axis."""
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    panels = figure.subplots(2, len(AXES), sharex="col", sharey="row")
    for column, axis in zip(panels.T, AXES, strict=True):
        _draw_axis(column, axis, [row for row in rows if row["axis"] == axis])
    for panel in panels[:, 0]:
        panel.yaxis.set_major_formatter("{x:g}")
    panels[0, 0].set_ylabel("milliseconds a step")
    panels[1, 0].set_ylabel("MB kept for the\nbackward pass")
    panels[0, 0].legend(loc="upper left")
    title = "3 layers, batch 1000, d = 10, n = 50, but for what the axis says"
    figure.suptitle(title, fontsize=9)
    return figure


def _draw_axis(column: np.ndarray, axis: str, rows: list[dict[str, Any]]) -> None:
    for kind, line in KINDS.items():
        look, seen = LOOKS[kind], [row for row in rows if row["kind"] == kind]
        style: Style = {"color": look.colour, "marker": look.marker, "linestyle": line}
        values, label = [row["value"] for row in seen], look.label.removeprefix("trained ")
        for panel, quantity in zip(column, ("ms", "saved_mb"), strict=True):
            panel.loglog(values, [row[quantity] for row in seen], label=label, **style)
    column[1].set_xlabel(NAMES[axis])
    column[1].set_xticks(AXES[axis], [str(value) for value in AXES[axis]])
    column[1].minorticks_off()
