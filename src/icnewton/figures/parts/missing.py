"""What a figure was asked to show and cannot, such as a model whose training diverged: said below
the figure.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from icnewton.evaluation.statistics import diverged
from icnewton.figures.parts.style import RC, condition_title, look, styled

CHARACTERS = 14.0  # of the note to an inch of the figure


def missing(
    tables: Mapping[str, pd.DataFrame],
    panels: Sequence[Mapping[str, Any]],
    untrained: Sequence[str],
) -> Iterator[str]:
    """``trained LSA with 5 layers (2 of 3 seeds diverged; normalised, ...)`` for models of
    ``panels`` that are not whole.

    A figure of one condition does not repeat it.

    untrained: names ``condition/run`` of models that nobody has trained.
    """
    wanted: dict[str, set[int]] = {}
    for panel in panels:
        for family, depths in panel["models"].items():
            wanted.setdefault(family, set()).update(depths)
    for condition, table in tables.items():
        where = f"; {condition_title(condition)}" if len(tables) > 1 else ""
        for family, depths in wanted.items():
            for layers in sorted(depths):
                rows = table[(table["method"] == family) & (table["step"] == layers)]
                absent = sum(
                    name.startswith(f"{condition}/{family}_layers{layers}_") for name in untrained
                )
                if reason := _reason(rows, absent):
                    many = "s" if layers != 1 else ""
                    yield f"{look(family).label} with {layers} layer{many} ({reason}{where})"


def _reason(rows: pd.DataFrame, absent: int) -> str:
    """Why a model is not shown, or not with all its seeds, ``absent`` of which were not trained;
    empty if it is.
    """
    if rows.empty:
        return "not trained"
    if "diverged" in rows:
        lost, seeds = int(rows["diverged"].max()), int(rows["seeds"].max())
    else:
        column = "residual" if "residual" in rows else "output"
        lost, seeds = diverged(rows, lambda frame: frame[column]), rows["seed"].nunique()
    if lost == seeds and not absent:
        return "diverged"
    parts = {"diverged": lost, "not trained": absent}
    return ", ".join(
        f"{count} of {seeds + absent} seeds {what}" for what, count in parts.items() if count
    )


def note(figure: Figure, models: Sequence[str]) -> None:
    """Write below the figure which models are missing, if any are; a model's words stay on one line
    where they fit.
    """
    if models:
        width = int(CHARACTERS * figure.get_figwidth())
        whole = (
            words.replace(" ", "\N{NO-BREAK SPACE}") if len(words) < width else words
            for words in models
        )
        lines = "\n".join(textwrap.wrap(f"missing: {', '.join(whole)}", width)).replace(
            "\N{NO-BREAK SPACE}", " "
        )
        with styled():
            figure.text(
                0.5,
                -0.02,
                lines,
                ha="center",
                va="top",
                fontsize=RC["legend.fontsize"],
                color="#A00020",
            )
