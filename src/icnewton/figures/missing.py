"""What a figure was asked to show and its tables lack, such as a model whose training diverged: said below the figure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from icnewton.figures.style import RC, condition_title, look

CHARACTERS = 14.0  # of the note to an inch of the figure


def missing(tables: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """``trained LSA with 5, 6 layers (normalised, ...)`` for models of ``panels`` that a condition's table has no row of."""
    wanted: dict[str, set[int]] = {}
    for panel in panels:
        for family, depths in panel["models"].items():
            wanted.setdefault(family, set()).update(depths)
    for condition, table in tables.items():
        for family, depths in wanted.items():
            absent = depths - set(table.loc[table["method"] == family, "step"])
            if absent:
                layers = ", ".join(map(str, sorted(absent)))
                yield f"{look(family).label} with {layers} layer{'s' if absent != {1} else ''} ({condition_title(condition)})"


def note(figure: Figure, models: Sequence[str]) -> None:
    """Write below the figure which models are missing, if any are."""
    if models:
        text = f"missing, because not trained or diverged: {'; '.join(models)}"
        lines = textwrap.wrap(text, int(CHARACTERS * figure.get_figwidth()))
        figure.text(0.5, -0.02, "\n".join(lines), ha="center", va="top", fontsize=RC["legend.fontsize"], color="#A00020")
