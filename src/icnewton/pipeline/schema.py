"""A configuration as a text and against its schema: what is wrong with it, in words."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from icnewton.files import brief

Config = Mapping[str, Any]
MOST_VALUES, MOST_LEVELS, MOST_LETTERS, MOST_BITS = 20_000, 16, 1000, 64
Validator = extend(  # a depth of 1.0 would be named layers1.0
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)


class Loader(yaml.SafeLoader):
    """YAML in which no key stands twice; elsewhere the last one wins in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping as its author wrote it, before anchors are merged into it."""
        node, seen = super().compose_mapping_node(anchor), set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key.value!r} twice", key.start_mark
                )
            seen.add((key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None)
        return node


def read(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises ValueError in one sentence where there is none, or a
    template, which runs code.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise ValueError(
                f"no such file among {', '.join(sorted(p.name for p in path.parent.glob('*.yaml')))}"
            )
        values = yaml.load(path.read_text(encoding="utf-8"), Loader)
        if not isinstance(values, dict):
            raise ValueError(brief(repr(values)))
        if "__use_yte__" in values:
            raise ValueError("a template, whose expressions would be run")
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(
            f"{path}: expected a mapping in YAML, found in {line}{brief(error.problem)}"
        ) from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: expected a mapping in YAML, found {brief(str(error))}") from None
    if problem := malformed(values):
        raise ValueError(f"{path}: {problem}")
    return values


def overlays(scale: str, folder: Path = Path("workflow/scales")) -> list[str]:
    """The files that make up a scale, in the order in which they are laid over config.yaml: what it
    extends, then its own.

    Raises ValueError in one sentence where one of them cannot be read.
    """
    base = read(folder / f"{scale}.yaml").get("extends")
    if base is None:
        return [f"{folder}/{scale}.yaml"]
    if "extends" in read(folder / f"{base}.yaml"):
        raise ValueError(
            f"{folder}/{scale}.yaml: expected extends to name a scale that extends none, found {brief(base)}"
        )
    return [f"{folder}/{base}.yaml", f"{folder}/{scale}.yaml"]


def complaints(config: Config, schema: Config) -> list[str]:
    """Everything in which a configuration departs from its schema, or is no number, one sentence
    each.
    """
    return [*map(_sentence, _errors(config, schema)), *_not_finite(config)]


def malformed(config: object) -> str | None:
    """What JSON cannot say, and more than could be meant: anchors of YAML make a short text large,
    or part of itself.
    """
    waiting, count = [("", 0, config)], 0
    while waiting:
        where, level, value = waiting.pop()
        items = [*value.items()] if isinstance(value, Mapping) else []
        items += enumerate(value) if isinstance(value, list | tuple | set) else []
        count += len(items)
        if isinstance(value, str) and len(value) > MOST_LETTERS:
            return f"{where}: expected at most {MOST_LETTERS} letters, found {len(value)}"
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            return f"{where}: expected a number of at most {MOST_BITS} bits, found one of {value.bit_length()}"
        if level > MOST_LEVELS or count > MOST_VALUES:
            return f"{where}: expected at most {MOST_VALUES} values in {MOST_LEVELS} levels, found more"
        for key, item in items:
            if isinstance(value, Mapping) and not isinstance(key, str):
                return f"{where or 'the configuration'}: expected keys that are text, found {brief(key)}"
            waiting.append((f"{where}.{brief(key, 40)}".lstrip("."), level + 1, item))
    return None


def _not_finite(value: object, where: str = "") -> Iterator[str]:
    """Numbers that YAML allows and no value of this configuration may be."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: expected a finite number, found {value}"
    elif isinstance(value, float) and str(value) == "-0.0":  # which names would show
        yield f"{where}: expected 0 without a sign, found {value}"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(item, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{where}[{index}]")


def _errors(config: Config, schema: Config) -> Iterator[ValidationError]:
    for error in sorted(Validator(schema).iter_errors(config), key=lambda error: error.json_path):
        yield from error.context or [error]


def _sentence(error: ValidationError) -> str:
    where = brief(error.json_path.removeprefix("$.").removeprefix("$") or "the configuration")
    expected: Any = error.validator_value
    rule, schema = error.validator, cast(Config, error.schema)
    if rule == "additionalProperties" and isinstance(error.instance, Mapping):
        known = schema.get("properties", {})
        unknown = brief(", ".join(repr(key) for key in error.instance if key not in known))
        return f"{where}: expected only the keys {', '.join(known)}, found {unknown}"
    if rule == "required":
        instance = cast(Config, error.instance)
        missing = ", ".join(repr(key) for key in expected if key not in instance)
        return f"{where}: expected the key {missing}, found none"
    phrases = {
        "type": "a value of type {}",
        "enum": "one of {}",
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "pattern": "text like {}",
        "minItems": "at least {} entries",
        "minProperties": "at least {} entries",
        "maxLength": "at most {} letters",
        "uniqueItems": "no entry twice",
        "contains": "an entry with {}",
    }
    wanted = ", ".join(map(str, expected)) if isinstance(expected, list) else str(expected)
    phrase = phrases.get(str(rule), f"{rule} {{}}").format(wanted)
    return f"{where}: expected {phrase}, found {brief(repr(error.instance))}"
