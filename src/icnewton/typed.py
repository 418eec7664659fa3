"""Values by their annotated types: checked and made plain, as dataclasses, as JSON schemas.

One annotation says everything of a field: ``steps: Annotated[int, Within(1, 10**8), "Steps."]``.
A dataclass settles its own fields by it, and the schema of the configuration follows from it.
"""

import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from icnewton.files import brief

T = TypeVar("T")
LARGEST = sys.float_info.max
WORDS = {bool: "True or False", str: "text"}


@dataclass(frozen=True)
class Within:
    """Limits of a number; ``open_below`` and ``open_above`` exclude the ends."""

    least: float
    most: float
    open_below: bool = False
    open_above: bool = False

    def __contains__(self, number: float) -> bool:
        above = number > self.least if self.open_below else number >= self.least
        return above and (number < self.most if self.open_above else number <= self.most)

    def __str__(self) -> str:
        low = f"above {self.least:g}" if self.open_below else f"from {self.least:g}"
        high = f"below {self.most:.10g}" if self.open_above else f"to {self.most:.10g}"
        return f"{low} {high}"

    @property
    def schema(self) -> dict[str, float]:
        """The limits as keywords of JSON Schema."""
        low = "exclusiveMinimum" if self.open_below else "minimum"
        high = "exclusiveMaximum" if self.open_above else "maximum"
        return {low: self.least, high: self.most}


def positive(most: float) -> Within:
    """Numbers above 0."""
    return Within(0, most, open_below=True)


SHARE = Within(0, 1, open_above=True)


def refuse(name: str, expected: str, found: object) -> NoReturn:
    """Raise a ValueError that says what was expected and what was found."""
    raise ValueError(f"{name} must be {expected}, found {brief(repr(found))}")


def scalar(value: Any) -> Any:
    """The Python number in a numpy scalar, or in an array or a tensor of no dimension.

    Anything else is returned as it is.
    """
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def plain(name: str, value: Any, kind: Any) -> Any:
    """A value as a plain one of an annotated type; raises ValueError, naming it, if it is not one.

    Numbers are finite. 3.0 counts as a whole number; True is not a number. A mapping may stand for
    a dataclass.
    """
    value, origin, arguments = scalar(value), get_origin(kind), get_args(kind)
    if origin is Annotated:
        value = plain(name, value, arguments[0])
        _limited(name, value, _limits(kind))
        return value
    if origin is UnionType:
        if value is None and type(None) in arguments:
            return None
        return plain(name, value, next(option for option in arguments if option is not type(None)))
    if origin is Literal:
        is_known = isinstance(value, str) and value in arguments
        return str(value) if is_known else refuse(name, f"one of {', '.join(arguments)}", value)
    if origin is tuple:
        return _items(name, value, arguments)
    if is_dataclass(kind) and isinstance(kind, type):
        return value if isinstance(value, kind) else parse(kind, name, value)
    if kind in (int, float):
        return _number(name, value, kind)
    if kind in (bool, str):
        is_one = isinstance(value, kind)
        return kind(value) if is_one else refuse(name, WORDS[kind], value)
    return value


def _items(name: str, value: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    items = value.tolist() if hasattr(value, "tolist") else value
    is_list = isinstance(items, Sequence) and not isinstance(items, str)
    if kinds[-1] is Ellipsis:
        if not is_list or not items:
            refuse(name, "a list of at least one value", value)
        kinds = (kinds[0],) * len(items)
    if not is_list or len(items) != len(kinds):
        refuse(name, f"{len(kinds)} numbers", value)
    numbered = enumerate(zip(items, kinds, strict=True))
    return tuple(plain(f"{name}[{index}]", item, kind) for index, (item, kind) in numbered)


def _number(name: str, value: Any, kind: type) -> int | float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_finite = is_number and value == value and (kind is int or abs(value) <= LARGEST)
    if kind is int:
        if not is_finite or value in (math.inf, -math.inf) or value != int(value):
            refuse(name, "a whole number", value)
        return int(value)
    return float(value) if is_finite else refuse(name, "a finite number", value)


def _limited(name: str, value: Any, limits: Within | None) -> None:
    if limits is not None and value is not None and value not in limits:
        refuse(name, f"a number {limits}", value)


def _limits(kind: Any) -> Within | None:
    return next((word for word in get_args(kind)[1:] if isinstance(word, Within)), None)


def settle(instance: Any) -> None:
    """Make the fields of a new frozen dataclass plain values of their annotated types.

    Raises ValueError as ``plain`` does.
    """
    for name, kind in _hints(type(instance)).items():
        object.__setattr__(instance, name, plain(name, getattr(instance, name), kind))


def parse(cls: type[T], name: str, values: object) -> T:
    """The dataclass of plain values by name; fields with defaults may be missing.

    Raises ValueError in one sentence for unknown, missing or wrong values.
    """
    hints = _hints(cls)
    given = keyed(cls, name, values)
    return cls(**{key: plain(key, value, hints[key]) for key, value in given.items()})


def keyed(cls: type, name: str, values: object) -> Mapping[str, Any]:
    """Values under the names of a dataclass's fields; raises ValueError where one that has no
    default is missing, or one is unknown.
    """
    known = [*_hints(cls)]
    words = brief(", ".join(known), 280)
    if not isinstance(values, Mapping):
        refuse(name, f"values of {words}", values)
    if missing := [key for key in _needed(cls) if key not in values]:
        raise ValueError(f"{name} must have the key {', '.join(missing)}, found none")
    if unknown := [str(key) for key in values if key not in known]:
        found = brief(", ".join(unknown))
        raise ValueError(f"{name} must have only the keys {words}, found {found}")
    return values


def schema_of(cls: type, optional: bool = False) -> dict[str, Any]:
    """The JSON schema of a dataclass, descriptions included; ``optional``: no key is required."""
    properties = {name: _schema(kind) for name, kind in _hints(cls).items()}
    return _object(properties, [] if optional else _needed(cls))


def schema_of_settings(function: Callable[..., Any]) -> dict[str, Any]:
    """The JSON schema of a function's keywords."""
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    needed = [name for name, p in parameters.items() if p.default is p.empty]
    return _object({name: _schema(hints[name]) for name in parameters}, needed)


def _object(properties: dict[str, Any], needed: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return schema | {"required": needed}


def _schema(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        schema, limits = _schema(arguments[0]), _limits(kind)
        words = [word for word in arguments[1:] if isinstance(word, str)]
        described = {"description": words[0]} if words else {}
        return schema | (limits.schema if limits else {}) | described
    if origin is UnionType:
        schema = _schema(next(option for option in arguments if option is not type(None)))
        return schema | {"type": [schema["type"], "null"]}
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "minItems": 1, "items": _schema(arguments[0])}
    if origin is tuple:
        size = len(arguments)
        return {"type": "array", "minItems": size, "maxItems": size, "items": _schema(arguments[0])}
    if is_dataclass(kind) and isinstance(kind, type):
        return schema_of(kind)
    return {"type": {int: "integer", float: "number", bool: "boolean", str: "string"}[kind]}


def _hints(cls: type) -> dict[str, Any]:
    """The annotated types of a dataclass's fields, in their order."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


def _needed(cls: type) -> list[str]:
    """The names of the fields that have no default."""
    free = [f for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    return [field.name for field in free]


def settings_of(function: Callable[..., Any], given: Mapping[str, object]) -> dict[str, Any]:
    """Keyword arguments of a function as plain values of their annotated types.

    Raises TypeError if one is unknown or missing, and ValueError if one is not of its type, each
    in one sentence.
    """
    parameters = inspect.signature(function).parameters
    hints = get_type_hints(function, include_extras=True)
    known = ", ".join(parameters)
    if unknown := given.keys() - parameters.keys():
        raise TypeError(f"expected only the settings {known}, found {', '.join(sorted(unknown))}")
    needed = [name for name, p in parameters.items() if p.default is p.empty]
    if missing := [name for name in needed if name not in given]:
        raise TypeError(f"expected the setting {', '.join(missing)} among {known}, found none")
    return {name: plain(name, value, hints[name]) for name, value in given.items()}


def typed(cls: type[T], values: object) -> T:
    """The dataclass of JSON values.

    Raises TypeError if one is missing, unknown or not of its annotated type.
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
    frozen = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return cls(**frozen)


def _fits(value: object, kind: Any) -> bool:
    """Whether a JSON value is of an annotated type; numbers are finite, and true is not one."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(_fits(value, option) for option in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is tuple:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is Mapping:
        return isinstance(value, dict) and all(_fits(v, arguments[1]) for v in value.values())
    if kind is float:
        is_whole = type(value) is int and abs(value) < 2**53
        return is_whole or (type(value) is float and math.isfinite(value))
    return kind is Any or type(value) is kind


def differences(then: Any, now: Any, where: str = "") -> Iterator[str]:
    """Every value of two nests of mappings that differs, as ``recipe.steps 60 and not 80``."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in then | now:
            yield from differences(then.get(key), now.get(key), f"{where}.{key}".lstrip("."))
    elif then != now:
        yield f"{where} {then} and not {now}"
