"""Plain JSON values: as a dataclass, each of the type that the dataclass says; and in what two of
them differ.

What comes from Python instead (numpy scalars, tensors of no dimension, 3.0 for 3) is made plain by
``plain``.
"""

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
LARGEST = sys.float_info.max


def settings_of(function: Callable[..., Any], given: Mapping[str, object]) -> dict[str, Any]:
    """Keyword arguments of a function as plain values of their annotated types.

    Raises TypeError where one is unknown or missing, ValueError where one is not of its type, in
    one sentence.
    """
    parameters, hints = inspect.signature(function).parameters, get_type_hints(function)
    known = ", ".join(parameters)
    if unknown := given.keys() - parameters.keys():
        raise TypeError(f"expected only the settings {known}, found {', '.join(sorted(unknown))}")
    if missing := [
        name for name, p in parameters.items() if p.default is p.empty and name not in given
    ]:
        raise TypeError(f"expected the setting {', '.join(missing)} among {known}, found none")
    return {name: plain(name, value, hints[name]) for name, value in given.items()}


def settle(instance: Any) -> None:
    """Make the fields of a new frozen dataclass plain values of their annotated types; raises
    ValueError as ``plain``.
    """
    for name, kind in get_type_hints(type(instance)).items():
        object.__setattr__(instance, name, plain(name, getattr(instance, name), kind))


def scalar(value: Any) -> Any:
    """The Python number in a numpy scalar, or in an array or a tensor of no dimension; anything
    else as it is.
    """
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def plain(name: str, value: Any, kind: Any) -> Any:
    """A value as a plain one of an annotated type; raises ValueError, naming it, where it is none.

    Numbers are finite, 3.0 is a whole number and True is none.
    """
    value, origin, arguments = scalar(value), get_origin(kind), get_args(kind)
    if origin is UnionType:
        if value is None and type(None) in arguments:
            return None
        return plain(name, value, next(option for option in arguments if option is not type(None)))
    if origin is tuple:
        pair = value.tolist() if hasattr(value, "tolist") else value
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != len(arguments):
            raise ValueError(f"{name} must be {len(arguments)} numbers, found {value!r}")
        return tuple(
            plain(name, item, option) for item, option in zip(pair, arguments, strict=True)
        )
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        if not number or value != value or value in (math.inf, -math.inf) or value != int(value):
            raise ValueError(f"{name} must be a whole number, found {value!r}")
        return int(value)
    if kind is float:
        if not number or abs(value) > LARGEST or value != value:
            raise ValueError(f"{name} must be a finite number, found {value!r}")
        return float(value)
    if kind in (bool, str) and not isinstance(value, kind):
        raise ValueError(
            f"{name} must be {'True or False' if kind is bool else 'text'}, found {value!r}"
        )
    return value


def typed(cls: type[T], values: object) -> T:
    """The dataclass of JSON values; raises TypeError where one is missing, unknown or not of its
    annotated type.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{cls.__name__} must be an object, found {values!r}")
    hints = get_type_hints(cls)
    for name, value in values.items():
        if name not in hints:
            raise TypeError(f"{cls.__name__} has no {name!r}")
        if not _fits(value, hints[name]):
            kind = hints[name].__name__ if isinstance(hints[name], type) else hints[name]
            raise TypeError(f"{name} must be {kind}, found {value!r}")
    return cls(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
    )


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
        return (type(value) is int and abs(value) < 2**53) or (
            type(value) is float and math.isfinite(value)
        )
    return kind is Any or type(value) is kind


def differences(then: Any, now: Any, where: str = "") -> Iterator[str]:
    """``recipe.steps 60 and not 80``: every value of two nests of mappings that differs, as it was
    and as it is now.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        for key in then | now:
            yield from differences(then.get(key), now.get(key), f"{where}.{key}".lstrip("."))
    elif then != now:
        yield f"{where} {then} and not {now}"
