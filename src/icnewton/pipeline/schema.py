"""A configuration as a text and against its schema: what is wrong with it, in words."""

import math
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from icnewton.algorithms import ALGORITHMS
from icnewton.constructions import CONSTRUCTIONS
from icnewton.evaluation.measurements import MEASUREMENTS
from icnewton.figures import FIGURES
from icnewton.files import brief
from icnewton.models.families import FAMILIES
from icnewton.problems import PROBLEMS
from icnewton.protocols import PROTOCOLS
from icnewton.registry import Registry
from icnewton.training.recipe import Recipe
from icnewton.training.starts import STARTS
from icnewton.typed import schema_of

Config = Mapping[str, Any]
SCALES = Path("workflow/scales")
FILLED = ("entries", "of", "own_values", "listed_own_values")
REGISTRIES: dict[str, Registry[Any]] = {
    "algorithms": ALGORITHMS,
    "constructions": CONSTRUCTIONS,
    "families": FAMILIES,
    "figures": FIGURES,
    "measurements": MEASUREMENTS,
    "problems": PROBLEMS,
    "protocols": PROTOCOLS,
    "starts": STARTS,
}
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
            others = sorted(other.name for other in path.parent.glob("*.yaml"))
            raise ValueError(f"no such file among {', '.join(others)}")
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


def overlays(scale: str, folder: Path = SCALES) -> list[str]:
    """The files that are laid over config.yaml for a scale, which is one of a folder or a path, in
    order: what it extends comes first.

    Raises ValueError in one sentence where one is missing, and where they extend each other.
    """
    found: list[str] = []
    wanted: object = scale
    while wanted is not None:
        path = str(path_of(wanted, folder))
        if path in found:
            raise ValueError(f"{path}: expected extends to end somewhere, found a circle")
        found.insert(0, path)
        wanted = read(path).get("extends")
    return found


def path_of(scale: object, folder: Path = SCALES) -> Path:
    """The file of a scale: a path, or a name among those in ``folder``."""
    is_path = isinstance(scale, str) and scale.endswith((".yaml", ".yml"))
    return Path(str(scale)) if is_path else folder / f"{scale}.yaml"


def name_of(scale: str) -> str:
    """What results of a scale are called: its name, or that of its file."""
    return Path(scale).stem


def schema() -> dict[str, Any]:
    """The schema of the configuration, in which names of entries and fields are filled in."""
    text = files("icnewton.pipeline").joinpath("config.schema.yaml").read_text(encoding="utf-8")
    return cast(dict[str, Any], _filled(yaml.safe_load(text)))


def _own_values() -> dict[str, Any]:
    """Schemas of the values that only some problem's conditions have."""
    found: dict[str, Any] = {}
    for name in PROBLEMS:
        kind = PROBLEMS[name].condition
        properties = schema_of(kind)["properties"]
        found |= {key: properties[key] for key in kind.own()}
    return found


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if not isinstance(value, dict):
        return value
    filled = {key: _filled(item) for key, item in value.items() if key not in FILLED}
    if "own_values" in value:
        filled |= _own_values()
    if "listed_own_values" in value:
        filled |= {
            k: {"type": "array", "minItems": 1, "items": s} for k, s in _own_values().items()
        }
    if isinstance(value.get("entries"), str):
        filled["enum"] = list(REGISTRIES[value["entries"]])
    if value.get("of") == "Recipe":
        filled |= schema_of(Recipe, optional=True) | {"description": filled.get("description", "")}
    return filled


def settled(config: dict[str, Any]) -> None:
    """Take out of a merged configuration the figures that an overlay sets to null."""
    if isinstance(figures := config.get("figures"), dict):
        config["figures"] = {name: spec for name, spec in figures.items() if spec is not None}


def merged(scale: str) -> dict[str, Any]:
    """The configuration of a scale, merged as Snakemake merges its files."""
    config = read("config.yaml")
    for path in overlays(scale):
        _lay(config, read(path))
    settled(config)
    return {**config, "scale": scale}


def _lay(config: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(config.get(key), dict):
            _lay(config[key], value)
        else:
            config[key] = value


def complaints(config: Config) -> list[str]:
    """Everything in which a configuration departs from its schema, or is no number, one sentence
    each.
    """
    return [*map(_sentence, _errors(config, schema())), *_not_finite(config)]


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
            found = f"found one of {value.bit_length()}"
            return f"{where}: expected a number of at most {MOST_BITS} bits, {found}"
        if level > MOST_LEVELS or count > MOST_VALUES:
            most = f"{MOST_VALUES} values in {MOST_LEVELS} levels"
            return f"{where}: expected at most {most}, found more"
        for key, item in items:
            if isinstance(value, Mapping) and not isinstance(key, str):
                place = where or "the configuration"
                return f"{place}: expected keys that are text, found {brief(key)}"
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
