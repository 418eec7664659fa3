"""What a kind of figure is: how it is drawn, from which tables, and what it asks of a panel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

Tables = Mapping[str, pd.DataFrame]  # by condition, or one alone
Panel = Mapping[str, Any]  # models with their depths, algorithms, perhaps their last step

LAST_STEP = 6  # of an algorithm, where a panel does not say


@dataclass(frozen=True)
class Words:
    """Titles of methods and conditions, and axis labels of quantities, by their names.

    The first quantity that a table has is the one that its problem is judged by.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    quantities: Mapping[str, str] = field(default_factory=dict)

    def condition(self, name: str) -> str:
        """The title of a condition, or its name."""
        return self.conditions.get(name, name)

    def quantity(self, name: str) -> str:
        """The axis label of a quantity, or its name."""
        return self.quantities.get(name, name)


NO_WORDS = Words()


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    draw: from tables, panels and words to the figure, called with the settings of all figures.
    tables: which it is drawn from: medians, errors, probes, responses, decoding, transfer or
    measurement.
    measurement: the name of that measurement, which is then its only table. several_panels: whether
    it takes more than one. most_steps: of an algorithm, if not any number. with_built: whether it
    needs conditions that models are built for. problem: whose conditions it draws, None for any.
    caption: what the report says below it.
    """

    draw: Callable[[Tables, Sequence[Panel], Words], Figure]
    tables: str
    measurement: str = ""
    several_panels: bool = False
    most_steps: int | None = None
    with_built: bool = False
    problem: str | None = None
    caption: str = ""
