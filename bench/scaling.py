"""How a step's time and the memory it keeps for the backward pass grow with n, d, depth and batch."""

from pathlib import Path
from statistics import median
from typing import Any

import torch
from tqdm import tqdm

from bench.steps import alternate, make_run
from icnewton.figures.parts.style import LOOKS, plt, styled
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
        for kind in ("lsa", "lsa_ln"):
            base = {"layers": 3, "batch": 1000}
            runs = [make_run(kind, **{**base, axis: value}) for value in values]
            times = alternate([stepper([run], [start(run, device)]) for run in runs], 11, device)
            rows += [
                {
                    "kind": kind,
                    "axis": axis,
                    "value": value,
                    "ms": round(median(ms), 3),
                    "saved_mb": round(saved_megabytes(run), 3),
                }
                for run, value, ms in zip(runs, values, times, strict=True)
            ]
    _draw(rows, picture)
    return rows


def _draw(rows: list[dict[str, Any]], picture: Path) -> None:
    with styled():
        figure, panels = plt.subplots(
            2, 4, figsize=(11, 4.8), sharex="col", sharey="row", layout="constrained"
        )
        for column, axis in enumerate(AXES):
            for kind in ("lsa", "lsa_ln"):
                look, seen = (
                    LOOKS[kind],
                    [row for row in rows if row["kind"] == kind and row["axis"] == axis],
                )
                for row, quantity in enumerate(("ms", "saved_mb")):
                    values, numbers = [r["value"] for r in seen], [r[quantity] for r in seen]
                    style = {
                        "color": look.colour,
                        "marker": look.marker,
                        "linestyle": "-" if kind == "lsa" else "--",
                    }
                    panels[row, column].loglog(
                        values, numbers, label=look.label.removeprefix("trained "), **style
                    )
            panels[1, column].set_xlabel(NAMES[axis])
            panels[1, column].set_xticks(AXES[axis], [str(value) for value in AXES[axis]])
            panels[1, column].minorticks_off()
        for panel in panels[:, 0]:
            panel.yaxis.set_major_formatter("{x:g}")
        panels[0, 0].set_ylabel("milliseconds a step")
        panels[1, 0].set_ylabel("MB kept for the\nbackward pass")
        panels[0, 0].legend(loc="upper left")
        figure.suptitle(
            "3 layers, batch 1000, d = 10, n = 50, but for what the axis says", fontsize=9
        )
        figure.savefig(picture)
        plt.close(figure)
