"""The residual stream as heat maps: blocks after each layer, written compactly."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from icnewton.inside.learned import views
from icnewton.models.model import Model

DIGITS = 4
Table = list[list[float | None]]


@dataclass(frozen=True)
class Map:
    """A block after each layer, rows x tokens; None where it is as before.

    changes: the layers that change it.
    """

    name: str
    rows: int
    tokens: int
    tables: list[Table | None]
    changes: list[int]


def maps(model: Model, streams: Sequence[Tensor]) -> list[Map]:
    """Those of named blocks; of a learned stream those of ``learned.views``."""
    if model.card.kind == "built":
        unpacked = [model.format.stream.unpack(stream) for stream in streams]
        blocks = {name: [found[name] for found in unpacked] for name in unpacked[0]}
    else:
        blocks = views(model.transformer, list(streams))
    return [_map(name, tables) for name, tables in blocks.items()]


def _map(name: str, blocks: Sequence[Tensor]) -> Map:
    tables: list[Table | None] = [_table(blocks[0])]
    for before, after in pairwise(blocks):
        tables.append(None if torch.equal(before, after) else _table(after))
    changes = [layer for layer, table in enumerate(tables) if layer and table is not None]
    return Map(name, blocks[0].shape[-1], blocks[0].shape[1], tables, changes)


def _table(block: Tensor) -> Table:
    return [[short(value) for value in row] for row in block[0].mT.tolist()]


def short(value: float) -> float | None:
    """Four significant digits, of whole numbers without a point; None of what JSON cannot hold."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e6 else rounded


def spans(layers: Sequence[int]) -> str:
    """Layers in words, as 1–3, 7."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def plain(found: Sequence[Map]) -> list[Mapping[str, object]]:
    """Maps as plain values for the page's script."""
    return [
        {"name": m.name, "tables": m.tables, "when": spans(m.changes), "tokens": m.tokens}
        for m in found
    ]
