"""Plain JSON values: as a dataclass, each of the type that the dataclass says; and in what two of them differ."""

import math
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def typed(cls: type[T], values: object) -> T:
    """The dataclass of JSON values; raises TypeError where one is missing, unknown or not of its annotated type."""
    if not isinstance(values, dict):
        raise TypeError(f"{cls.__name__} must be an object, found {values!r}")
    hints = get_type_hints(cls)
    for name, value in values.items():
        if name not in hints:
            raise TypeError(f"{cls.__name__} has no {name!r}")
        if not _fits(value, hints[name]):
            kind = hints[name].__name__ if isinstance(hints[name], type) else hints[name]
            raise TypeError(f"{name} must be {kind}, found {value!r}")
    return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _fits(value: object, kind: Any) -> bool:
    """Whether a JSON value is of an annotated type; true is no number here, and a number is finite."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_fits(value, option) for option in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is tuple:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(item, arguments[1]) for item in value.values())
    if kind is float:
        return (type(value) is int and abs(value) < 2**53) or (type(value) is float and math.isfinite(value))
    return kind is Any or type(value) is kind


def differences(then: Any, now: Any, where: str = "") -> Iterator[str]:
    """``recipe.steps 60 and not 80``: every value of two nests of mappings that differs, as it was and as it is now."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in then | now:
            yield from differences(then.get(key), now.get(key), f"{where}.{key}".lstrip("."))
    elif then != now:
        yield f"{where} {then} and not {now}"
