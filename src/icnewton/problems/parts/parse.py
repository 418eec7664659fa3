"""Conditions from plain values, which name their problem."""

from collections.abc import Mapping
from typing import Any

from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.typed import parse, refuse


def parse_condition(values: object) -> Condition:
    """The condition of plain values such as ``{"problem": "linear", "protocol": ...}``.

    Jobs receive such values. Raises ValueError in one sentence on wrong ones.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("problem"), str):
        refuse("condition", "values among which is the name of a problem", values)
    rest: dict[str, Any] = {key: value for key, value in values.items() if key != "problem"}
    return parse(PROBLEMS[values["problem"]].condition, "condition", rest)
