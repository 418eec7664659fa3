"""Checks of values, which a frozen dataclass applies to itself; numbers of every kind become
Python's own.

A check takes a value and its name, and gives the value as plain Python or raises ValueError in one
sentence.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from icnewton.files import brief
from icnewton.typed import scalar

Check = Callable[[str, object], Any]


def apply(instance: object, checks: Mapping[str, Check]) -> None:
    """Replace the values of a frozen dataclass by what their checks make of them."""
    for name, check in checks.items():
        object.__setattr__(instance, name, check(name, getattr(instance, name)))


def refuse(name: str, expected: str, found: object) -> NoReturn:
    """Raise the ValueError that says it."""
    raise ValueError(f"{name}: expected {expected}, found {brief(repr(found))}")


def whole(least: int, most: int) -> Check:
    """Integers within limits; 2.0 is one."""

    def check(name: str, value: object) -> int:
        number = _plain(value)
        if number is None or not least <= number <= most or number != int(number):
            refuse(name, f"an integer from {least} to {most}", value)
        return int(number)

    return check


def positive(most: float) -> Check:
    """Numbers above 0."""

    def check(name: str, value: object) -> float:
        number = _plain(value)
        if number is None or not 0 < number <= most:
            refuse(name, f"a number above 0 and at most {most:g}", value)
        return number

    return check


def share(name: str, value: object) -> float:
    """Numbers from 0 to 1, without 1."""
    number = _plain(value)
    return (
        number
        if number is not None and 0 <= number < 1
        else refuse(name, "a number from 0 to less than 1", value)
    )


def pair(check: Check) -> Check:
    """Two values that pass a check, as a tuple."""

    def both(name: str, values: object) -> tuple[Any, ...]:
        items = tuple(values) if isinstance(values, tuple | list | np.ndarray) else ()
        if len(items) != 2:
            refuse(name, "two numbers", values)
        return tuple(check(f"{name}[{index}]", item) for index, item in enumerate(items))

    return both


def optional(check: Check) -> Check:
    """None, or what passes a check."""
    return lambda name, value: None if value is None else check(name, value)


def flag(name: str, value: object) -> bool:
    """True and False alone."""
    word = scalar(value)
    return word if isinstance(word, bool) else refuse(name, "True or False", value)


def choice(*options: str) -> Check:
    """One of some words."""
    return lambda name, value: (
        str(value)
        if isinstance(value, str) and value in options
        else refuse(name, f"one of {', '.join(options)}", value)
    )


def of(kind: type | tuple[type, ...], words: str) -> Check:
    """An instance of a class."""
    return lambda name, value: value if isinstance(value, kind) else refuse(name, words, value)


def _plain(value: object) -> int | float | None:
    """A number as Python's own, None for anything else; True is no number here."""
    number = scalar(value)
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None
