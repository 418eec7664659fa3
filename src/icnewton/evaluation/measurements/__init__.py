"""Measurements that need no trained model: built ones against their algorithms, and theory.

An entry is a ``Measurement``; the configuration gives its settings.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from icnewton.registry import Registry


@dataclass(frozen=True)
class Measurement:
    """A table that follows from settings alone.

    measure: from keywords, whose annotations say what they may be, to a frame.
    protocols: those whose prompts it draws.
    refused: from the same keywords to what is wrong with them together, in words.
    caption: what the report says of the frame, where it shows it as a table.
    """

    measure: Callable[..., pd.DataFrame]
    protocols: tuple[str, ...] = ()
    caption: str = ""
    refused: Callable[..., Iterable[str]] = lambda **settings: ()


MEASUREMENTS: Registry[Measurement] = Registry("measurement", __name__)
