"""Figures, one file a family; each draws from tidy tables alone and knows neither weights nor
models.
"""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

os.environ["MPLBACKEND"] = (
    "agg"  # with a user's own, matplotlib opens windows, or cannot be imported
)

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

matplotlib.use("agg")  # if it was imported before

from icnewton.figures.parts.missing import missing, note


def module_of(kind: str) -> str:
    """The module that draws a kind: ``functions_far`` is drawn by ``icnewton.figures.functions``."""
    return f"icnewton.figures.{kind.split('_')[0]}"


def draw(
    kind: str,
    tables: Mapping[str, pd.DataFrame],
    panels: Sequence[Mapping[str, Any]],
    untrained: Sequence[str] = (),
) -> Figure:
    """The figure of a kind from one table for each condition, by ``draw_<kind>`` of the kind's
    module.

    Models that ``panels`` name and the tables lack are named below it, and those of which seeds are
    ``untrained``.
    """
    figure = getattr(import_module(module_of(kind)), f"draw_{kind}")(tables, panels)
    note(figure, list(missing(tables, panels, untrained)))
    return figure
