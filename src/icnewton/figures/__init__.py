"""Figures, drawn from tidy tables alone: they know neither weights nor models.

An entry is a ``Kind``. Its module's name is the first word of the kind's: ``functions_far`` lives
in ``functions.py``.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from icnewton.figures.parts.kind import NO_WORDS, Kind, Panel, Tables, Words
from icnewton.figures.parts.missing import missing, note
from icnewton.figures.parts.style import styled
from icnewton.registry import Registry

FIGURES: Registry[Kind] = Registry("figure", __name__, module=lambda kind: kind.split("_")[0])


def draw(
    kind: str,
    tables: Tables,
    panels: Sequence[Panel],
    untrained: Sequence[str] = (),
    words: Words = NO_WORDS,
) -> Figure:
    """The figure of a kind from one table for each condition, or from its only table.

    Models that ``panels`` name and the tables lack are named below it, and those of which seeds are
    ``untrained``. Raises ValueError for a kind that there is not.
    """
    panels = [{"algorithms": [], **panel} for panel in panels]
    with styled():
        figure = FIGURES[kind].draw(tables, panels, words)
        note(figure, list(missing(tables, panels, untrained, words)))
    return figure
