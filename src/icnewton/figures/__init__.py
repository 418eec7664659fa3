"""Figures, one file a family; each draws from tidy tables alone and knows neither weights nor models."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

KINDS = {
    "curves": ("curves", "draw_curves"),
    "headline": ("headline", "draw_headline"),
    "similarity": ("similarity", "draw_similarity"),
    "functions_near": ("functions", "draw_near"),
    "functions_far": ("functions", "draw_far"),
}


def draw(kind: str, tables: Mapping[str, pd.DataFrame], panels: Sequence[Mapping[str, Any]]) -> Figure:
    """The figure of a kind from one table for each condition; a kind's module is imported only when it is drawn."""
    module, function = KINDS[kind]
    return getattr(import_module(f"icnewton.figures.{module}"), function)(tables, panels)
