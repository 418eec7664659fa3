"""Conditions from plain values, which name their problem."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.prompts import Prompts, read_prompts
from icnewton.protocols import PROTOCOLS
from icnewton.typed import parse, refuse


def parse_condition(values: object) -> Condition:
    """The condition of plain values such as ``{"problem": "linear", "protocol": ...}``.

    Jobs receive such values. Raises ValueError in one sentence on wrong ones.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("problem"), str):
        refuse("condition", "values among which is the name of a problem", values)
    rest: dict[str, Any] = {key: value for key, value in values.items() if key != "problem"}
    return parse(PROBLEMS[values["problem"]].condition, "condition", rest)


def read_asked(values: object, path: Path | str) -> tuple[Condition, Prompts]:
    """The condition of plain values and its prompts from a file; raises ValueError in one sentence
    where one of them is none.
    """
    condition = parse_condition(values)
    return condition, read_prompts(PROBLEMS[condition.problem].prompts, path)


def modules_of(condition: Condition) -> list[str]:
    """The modules of the problem and the protocol."""
    return [PROBLEMS.module(condition.problem), PROTOCOLS.module(condition.protocol)]
