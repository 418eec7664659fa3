"""The numbers that prose may ask for, all from tables of the results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup


class NotMeasured(LookupError):
    """There is no such number at this scale."""


def measured(caller: Callable[[], str]) -> Markup:
    """What a template's ``{% call measured() %}`` holds, or nothing where one of its numbers was
    not measured.
    """
    try:
        return Markup(caller())
    except NotMeasured:
        return Markup("")


@dataclass(frozen=True)
class Numbers:
    """Numbers of the results of one scale.

    tables: medians by condition. claims: the table of claims.
    """

    tables: Mapping[str, pd.DataFrame]
    claims: pd.DataFrame

    def of(
        self, condition: str, method: str, step: int, column: str = "median", quantity: str = ""
    ) -> float:
        """A column of a method's row after so many steps or layers, of a quantity, or of that by
        which the condition's problem is judged. Raises NotMeasured where there is none.
        """
        rows = self._of_method(condition, method, quantity)
        return self._only(rows[rows["step"] == step], column)

    def at_layers(
        self, condition: str, method: str, layers: int, column: str = "median", quantity: str = ""
    ) -> float:
        """The same at so many layers of a transformer."""
        rows = self._of_method(condition, method, quantity)
        return self._only(rows[rows["layers"] == layers], column)

    def _of_method(self, condition: str, method: str, quantity: str) -> pd.DataFrame:
        if condition not in self.tables:
            raise NotMeasured(condition)
        table = self.tables[condition]
        asked = quantity or table["quantity"].iloc[0]
        return table[(table["method"] == method) & (table["quantity"] == asked)]

    def claim(self, name: str, condition: str, words: str, column: str = "measured") -> float:
        """The number of the claim's row at a condition whose quantity has these words.

        Raises NotMeasured where there is none.
        """
        rows = self.claims[(self.claims["claim"] == name) & (self.claims["condition"] == condition)]
        return self._only(rows[rows["quantity"].str.contains(words, regex=False)], column)

    @staticmethod
    def _only(rows: pd.DataFrame, column: str) -> float:
        values = rows[column].dropna()
        if len(values) == 0:
            raise NotMeasured(column)
        return float(values.iloc[0])
