"""What a figure was asked to show and cannot, such as a model whose training diverged: said below
the figure.
"""

import textwrap
from collections.abc import Collection, Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from icnewton.evaluation.statistics import diverged
from icnewton.figures.parts.kind import Panel, Tables, Words
from icnewton.figures.parts.style import RC, method_label, styled

CHARACTERS = 14.0  # of the note to an inch of the figure


def missing(
    tables: Tables, panels: Sequence[Panel], untrained: Sequence[str], words: Words
) -> Iterator[str]:
    """``trained LSA with 5 and 6 layers (2 of 3 seeds diverged; normalised, ...)`` for models of
    ``panels`` that are not whole.

    A figure of one condition does not repeat it.

    untrained: names ``condition/run`` of models that nobody has trained.
    """
    wanted: dict[str, set[int]] = {}
    for panel in panels:
        for family, depths in panel["models"].items():
            wanted.setdefault(family, set()).update(depths)
    asked = [name for name in untrained if name.split("/")[1].split("_layers")[0] in wanted]
    trained = _by_training(tables, wanted, asked)
    homes = _homes(trained, wanted, asked)
    for condition, table in trained.items():
        where = f"; {words.condition(condition)}" if len(trained) > 1 else ""
        for family, depths in wanted.items():
            if condition not in homes[family]:
                continue
            reasons: dict[str, list[int]] = {}
            for layers in sorted(depths):
                rows = table[(table["method"] == family) & (table["step"] == layers)]
                run = f"{condition}/{family}_layers{layers}_"
                if reason := _reason(rows, sum(name.startswith(run) for name in asked)):
                    reasons.setdefault(reason, []).append(layers)
            name = method_label(family, words)
            for reason, lost in reasons.items():
                yield f"{name} with {_counted(lost)} ({reason}{where})"


def _homes(
    trained: Tables, families: Collection[str], untrained: Sequence[str]
) -> dict[str, set[str]]:
    """The conditions where models of each family should be: all, but in tables of transfer those
    where some are, or were not trained, if there are any.
    """
    found = {family: set(trained) for family in families}
    if not all("tested_on" in table for table in trained.values()):
        return found
    for family in families:
        here = {name for name, table in trained.items() if (table["method"] == family).any()}
        here |= {n.split("/")[0] for n in untrained if n.split("/")[1].startswith(f"{family}_lay")}
        found[family] = here or found[family]
    return found


def _counted(depths: Sequence[int]) -> str:
    """``1 layer``, ``1, 2 and 3 layers``."""
    *others, last = map(str, depths)
    text = f"{', '.join(others)} and {last}" if others else last
    return f"{text} layer{'s' * (text != '1')}"


def _by_training(
    tables: Tables, families: Collection[str], untrained: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The rows of each condition; in tables of transfer, those of models that were trained on it,
    for conditions where some of ``families`` was, or is ``untrained``.
    """
    found: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        places: list[str] = []
        if "trained_on" in table:
            shown = table[table["method"].isin(families)]
            places = [*shown["trained_on"], *(run.split("/")[0] for run in untrained)]
        rows = {place: table[table["trained_on"] == place] for place in dict.fromkeys(places)}
        found |= rows or {name: table}
    return found


def _reason(rows: pd.DataFrame, absent: int) -> str:
    """Why a model is not shown, or not with all its seeds, ``absent`` of which were not trained;
    empty if it is.
    """
    if rows.empty:
        return "not trained"
    if "diverged" in rows:
        lost, seeds = int(rows["diverged"].max()), int(rows["seeds"].max())
    else:
        # a probe's value is where it was taken
        column = next(name for name in ("output", "residual", "r2", "value") if name in rows)
        lost, seeds = diverged(rows, lambda frame: frame[column]), rows["seed"].nunique()
    if lost == seeds and not absent:
        return "diverged"
    parts = {"diverged": lost, "not trained": absent}
    counted = [
        f"{count} of {seeds + absent} seeds {what}" for what, count in parts.items() if count
    ]
    return ", ".join(counted)


def note(figure: Figure, models: Sequence[str]) -> None:
    """Write below the figure which models are missing, if any are; a model's words stay on one line
    where they fit.
    """
    if not models:
        return
    width, space = int(CHARACTERS * figure.get_figwidth()), "\N{NO-BREAK SPACE}"
    whole = [model.replace(" ", space) if len(model) < width else model for model in models]
    lines = textwrap.wrap(f"missing: {', '.join(whole)}", width)
    text, small = "\n".join(lines).replace(space, " "), RC["legend.fontsize"]
    with styled():
        figure.text(0.5, -0.02, text, ha="center", va="top", fontsize=small, color="#A00020")
