"""Measurements that need no trained model: built ones against their algorithms, and theory.

An entry is a ``Measurement``; the configuration gives its settings.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from icnewton.registry import Registry


@dataclass(frozen=True)
class Measurement:
    """A table that follows from settings alone.

    measure: from keywords, whose annotations say what they may be, to a frame. protocols: those whose prompts it draws. shown: whether the report shows
    the frame as a table.
    """

    measure: Callable[..., pd.DataFrame]
    protocols: tuple[str, ...] = ()
    shown: bool = False


MEASUREMENTS: Registry[Measurement] = Registry("measurement", __name__)
