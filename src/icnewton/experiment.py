"""The configuration as objects: which conditions, runs and figures there are, and everything that is wrong with it."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from icnewton.prompts import Condition
from icnewton.training.runs import Recipe, Run

Config = Mapping[str, Any]


class ConfigError(ValueError):
    """Everything wrong with a configuration, one line a problem."""

    def __init__(self, problems: list[str]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join([f"the configuration has {count}:", *(f"  - {p}" for p in problems)]))


def condition_name(condition: Condition) -> str:
    """The readable wildcard of a condition, such as ``normalised_kappa10_noise0.1``."""
    return _condition_name(condition.protocol, condition.kappa, condition.noise)


def run_name(run: Run) -> str:
    """The readable wildcard of a run within its condition, such as ``lsa_layers4_seed0``."""
    return _run_name(run.family, run.layers, run.seed)


def parse_run(values: Config) -> Run:
    """The run of ``Run.to_json``'s plain values, as jobs receive it."""
    recipe, condition = Recipe.parse(values["recipe"]), Condition(**values["condition"])
    return Run(values["family"], condition, values["layers"], values["seed"], recipe)


@dataclass(frozen=True)
class Experiment:
    """A checked configuration; raise ``ConfigError`` with every problem through ``check``."""

    config: Config

    @classmethod
    def check(cls, config: Config, schema: Config) -> "Experiment":
        """The experiment of a configuration, or ConfigError naming each key, what was expected and what was found."""
        problems = [*map(_sentence, _errors(config, schema)), *_not_finite(config)]
        experiment = cls(config)
        try:
            problems += experiment._contradictions()
        except (KeyError, TypeError, ValueError, AttributeError):
            if not problems:
                raise  # only a configuration that the schema refuses may lack what the contradictions look at
        if problems:
            raise ConfigError(problems)
        return experiment

    def runs(self) -> dict[str, Run]:
        """Every model to be learned, by ``condition/run`` name."""
        runs = {}
        for group in self.config["runs"]:
            recipe = Recipe.parse({**self.config["recipes"][group["recipe"]], **group["set"]})
            for kappa, noise, layers, seed in product(*(group[k] for k in ("kappa", "noise", "layers", "seeds"))):
                run = Run(group["family"], self.condition(group["protocol"], kappa, noise), layers, seed, recipe)
                runs[f"{condition_name(run.condition)}/{run_name(run)}"] = run
        return runs

    def condition(self, protocol: str, kappa: float, noise: float) -> Condition:
        """A condition at the experiment's d and n."""
        problem = self.config["problem"]
        return Condition(protocol, problem["d"], problem["n"], float(kappa), float(noise))

    def conditions(self) -> dict[str, Condition]:
        """Every condition that is trained or evaluated, by name."""
        trained = {condition_name(run.condition): run.condition for run in self.runs().values()}
        built = self.config["constructions"]["conditions"]
        return trained | {condition_name(c): c for c in (self.condition(**values) for values in built)}

    def runs_of(self, condition: str) -> list[str]:
        """Names of the runs of a condition, without the condition."""
        return [name.split("/")[1] for name in self.runs() if name.split("/")[0] == condition]

    def _contradictions(self) -> Iterator[str]:
        """Problems that no schema can see."""
        d, n = self.config["problem"]["d"], self.config["problem"]["n"]
        if n < d:
            yield f"problem.n: expected at least d = {d}, because least squares is solved directly, found {n}"
        recipes = self.config["recipes"]
        for index, group in enumerate(self.config["runs"]):
            if group["recipe"] not in recipes:
                yield f"runs[{index}].recipe: expected one of the recipes ({', '.join(recipes)}), found {group['recipe']!r}"
                continue
            recipe = {**recipes[group["recipe"]], **group["set"]}
            if recipe["batch"] % recipe["prompts_per_covariance"]:
                yield (
                    f"runs[{index}]: expected batch to be a multiple of prompts_per_covariance, "
                    f"found {recipe['batch']} and {recipe['prompts_per_covariance']}"
                )
        trained = Counter(name for group in self.config["runs"] for name in _names(group))
        yield from (f"runs: expected each model once, found {name} {k} times" for name, k in trained.items() if k > 1)
        built = {_condition_name(**values) for values in self.config["constructions"]["conditions"]}
        for name, figure in self.config["figures"].items():
            yield from _figure_problems(f"figures.{name}", figure, set(trained), built, set(self.config["algorithms"]))


def _condition_name(protocol: str, kappa: float, noise: float) -> str:
    return f"{protocol}_kappa{kappa:g}_noise{noise:g}"


def _run_name(family: str, layers: int, seed: int) -> str:
    return f"{family}_layers{layers}_seed{seed}"


def _names(group: Config) -> Iterator[str]:
    """The names of a group's runs, without making them, so that a wrong value hides no other problem."""
    for kappa, noise, layers, seed in product(*(group[key] for key in ("kappa", "noise", "layers", "seeds"))):
        yield f"{_condition_name(group['protocol'], kappa, noise)}/{_run_name(group['family'], layers, seed)}"


def _figure_problems(where: str, figure: Config, trained: set[str], built: set[str], algorithms: set[str]) -> Iterator[str]:
    known = sorted({name.split("/")[0] for name in trained} | built)
    panels, kind = figure["panels"], figure["kind"]
    if kind != "curves" and len(panels) > 1:
        yield f"{where}.panels: expected one panel for a figure of kind {kind}, found {len(panels)}"
    if kind.startswith("functions") and panels[0].get("steps", 6) > 6:
        yield f"{where}: expected at most 6 steps, which are those that are probed, found {panels[0]['steps']}"
    if unknown := sorted({algorithm for panel in panels for algorithm in panel["algorithms"]} - algorithms):
        yield f"{where}: expected keys of algorithms, found {', '.join(unknown)}"
    for condition in figure["conditions"]:
        if condition not in known:
            yield f"{where}.conditions: expected one of {', '.join(known)}, found {condition!r}"
        elif kind == "headline" and condition not in built:
            yield f"{where}: expected a condition of constructions.conditions, found {condition!r}"
        else:
            for family, layers in {
                (f, layers) for panel in panels for f, depths in panel["models"].items() for layers in depths
            }:
                if not any(name.startswith(f"{condition}/{family}_layers{layers}_") for name in trained):
                    missing = f"{family} with {layers} layers at {condition}"
                    yield f"{where}: expected models that some entry of runs trains, found {missing}"


def _not_finite(value: object, where: str = "") -> Iterator[str]:
    """Numbers that YAML allows and no value of this configuration may be."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: expected a finite number, found {value}"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(item, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_finite(item, f"{where}[{index}]")


def _errors(config: Config, schema: Config) -> Iterator[ValidationError]:
    for error in sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: error.json_path):
        yield from error.context or [error]


def _sentence(error: ValidationError) -> str:
    where = error.json_path.removeprefix("$.").removeprefix("$") or "the configuration"
    expected: Any = error.validator_value
    rule, schema = error.validator, cast(Config, error.schema)
    if rule == "additionalProperties" and isinstance(error.instance, Mapping):
        known = schema.get("properties", {})
        unknown = ", ".join(repr(key) for key in error.instance if key not in known)
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
        "pattern": "text like {}",
        "minItems": "at least {} entries",
        "uniqueItems": "no entry twice",
    }
    wanted = ", ".join(map(str, expected)) if isinstance(expected, list) else str(expected)
    phrase = phrases.get(str(rule), f"{rule} {{}}").format(wanted)
    return f"{where}: expected {phrase}, found {error.instance!r}"
