"""The configuration as objects: which conditions, runs and figures there are, and everything that is wrong with it."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from icnewton.classification import LogisticCondition
from icnewton.prompts import Condition
from icnewton.training.runs import Recipe, Run

Config = Mapping[str, Any]
AnyCondition = Condition | LogisticCondition


class ConfigError(ValueError):
    """Everything wrong with a configuration, one line a problem."""

    def __init__(self, problems: list[str]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        super().__init__("\n".join([f"the configuration has {count}:", *(f"  - {p}" for p in problems)]))


def condition_name(condition: AnyCondition) -> str:
    """The readable wildcard of a condition, such as ``normalised_kappa10_noise0.1`` or ``bounded_kappa10_mu0.1``."""
    last = {"mu": condition.mu} if isinstance(condition, LogisticCondition) else {"noise": condition.noise}
    return _condition_name(condition.protocol, condition.kappa, **last)


def run_name(run: Run) -> str:
    """The readable wildcard of a run within its condition, such as ``lsa_layers4_seed0``."""
    return _run_name(run.family, run.layers, run.seed)


def parse_condition(values: Config) -> AnyCondition:
    """The condition of plain values, as jobs receive it: logistic if they have a mu."""
    return LogisticCondition(**values) if "mu" in values else Condition(**values)


def parse_run(values: Config) -> Run:
    """The run of ``Run.to_json``'s plain values, as jobs receive it."""
    recipe, condition = Recipe.parse(values["recipe"]), parse_condition(values["condition"])
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
        for _, group in _groups(self.config):
            recipe = Recipe.parse({**self.config["recipes"][group["recipe"]][_recipe_family(group)], **group["set"]})
            for values, layers, seed in _members(group):
                run = Run(group["family"], self.condition(**values), layers, seed, recipe)
                runs[f"{condition_name(run.condition)}/{run_name(run)}"] = run
        return runs

    def condition(self, protocol: str, kappa: float, noise: float | None = None, mu: float | None = None) -> AnyCondition:
        """A condition at the d and n of its half of the experiment: logistic regression if it has a mu."""
        if mu is not None:
            problem = self.config["logistic"]["problem"]
            return LogisticCondition(protocol, problem["d"], problem["n"], float(kappa), float(mu))
        problem = self.config["problem"]
        return Condition(protocol, problem["d"], problem["n"], float(kappa), float(noise or 0))

    def conditions(self) -> dict[str, Condition]:
        """Every linear condition that is trained or evaluated, by name."""
        trained = [run.condition for run in self.runs().values()]
        built = [self.condition(**values) for values in self.config["constructions"]["conditions"]]
        return {condition_name(c): c for c in (*trained, *built) if isinstance(c, Condition)}

    def logistic_conditions(self) -> dict[str, LogisticCondition]:
        """Every logistic condition that is trained or evaluated, by name."""
        trained = [run.condition for run in self.runs().values()]
        return {condition_name(c): c for c in trained if isinstance(c, LogisticCondition)}

    def runs_of(self, condition: str) -> list[str]:
        """Names of the runs of a condition, without the condition."""
        return self._runs_of.get(condition, [])

    @cached_property
    def _runs_of(self) -> dict[str, list[str]]:
        """Names of runs by condition; every input function of the workflow asks, so it is worked out once."""
        names = defaultdict(list)
        for name in self.runs():
            condition, run = name.split("/")
            names[condition].append(run)
        return dict(names)

    def _contradictions(self) -> Iterator[str]:
        """Problems that no schema can see."""
        d, n = self.config["problem"]["d"], self.config["problem"]["n"]
        if n < d:
            yield f"problem.n: expected at least d = {d}, because least squares is solved directly, found {n}"
        recipes = self.config["recipes"]
        for where, group in _groups(self.config):
            if group["recipe"] not in recipes:
                yield f"{where}.recipe: expected one of the recipes ({', '.join(recipes)}), found {group['recipe']!r}"
                continue
            if (family := _recipe_family(group)) not in recipes[group["recipe"]]:
                yield f"{where}.recipe: expected a recipe for {family}, found {group['recipe']!r} without one"
                continue
            recipe = {**recipes[group["recipe"]][family], **group["set"]}
            if recipe["batch"] % recipe["prompts_per_covariance"]:
                yield (
                    f"{where}: expected batch to be a multiple of prompts_per_covariance, "
                    f"found {recipe['batch']} and {recipe['prompts_per_covariance']}"
                )
        trained = Counter(name for _, group in _groups(self.config) for name in _names(group))
        yield from (f"runs: expected each model once, found {name} {k} times" for name, k in trained.items() if k > 1)
        built = {_condition_name(**values) for values in self.config["constructions"]["conditions"]}
        for name, figure in self.config["figures"].items():
            if "panels" in figure:
                algorithms = {*self.config["algorithms"], *self.config["logistic"]["algorithms"]}
                yield from _figure_problems(f"figures.{name}", figure, set(trained), built, algorithms)


def _groups(config: Config) -> Iterator[tuple[str, Config]]:
    """The entries of both lists of runs, each with its place in the configuration."""
    for where, groups in (("runs", config["runs"]), ("logistic.runs", config["logistic"]["runs"])):
        yield from ((f"{where}[{index}]", group) for index, group in enumerate(groups))


def _recipe_family(group: Config) -> str:
    """The family whose entry of a recipe a group takes."""
    return str(group["family"]).removesuffix("_truth")


def _members(group: Config) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Values of the condition, layers and seed of every run of a group."""
    last = "mu" if "mu" in group else "noise"
    for kappa, value, layers, seed in product(*(group[key] for key in ("kappa", last, "layers", "seeds"))):
        yield {"protocol": group["protocol"], "kappa": kappa, last: value}, layers, seed


def _condition_name(protocol: str, kappa: float, **last: float) -> str:
    return f"{protocol}_kappa{kappa:g}" + "".join(f"_{name}{value:g}" for name, value in last.items())


def _run_name(family: str, layers: int, seed: int) -> str:
    return f"{family}_layers{layers}_seed{seed}"


def _names(group: Config) -> Iterator[str]:
    """The names of a group's runs, without making them, so that a wrong value hides no other problem."""
    for values, layers, seed in _members(group):
        yield f"{_condition_name(**values)}/{_run_name(group['family'], layers, seed)}"


def _figure_problems(where: str, figure: Config, trained: set[str], built: set[str], algorithms: set[str]) -> Iterator[str]:
    known = sorted({name.split("/")[0] for name in trained} | built)
    panels, kind = figure["panels"], figure["kind"]
    if kind not in ("curves", "logistic_loss") and len(panels) > 1:
        yield f"{where}.panels: expected one panel for a figure of kind {kind}, found {len(panels)}"
    if kind.startswith("functions") and panels[0].get("steps", 6) > 6:
        yield f"{where}: expected at most 6 steps, which are those that are probed, found {panels[0]['steps']}"
    if unknown := sorted({algorithm for panel in panels for algorithm in panel["algorithms"]} - algorithms):
        yield f"{where}: expected keys of algorithms, found {', '.join(unknown)}"
    for condition in figure["conditions"]:
        if condition not in known:
            yield f"{where}.conditions: expected one of {', '.join(known)}, found {condition!r}"
        elif ("_mu" in condition) != kind.startswith("logistic"):
            yield f"{where}: expected {'a logistic' if '_mu' not in condition else 'a linear'} condition, found {condition!r}"
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
        "exclusiveMaximum": "less than {}",
        "pattern": "text like {}",
        "minItems": "at least {} entries",
        "uniqueItems": "no entry twice",
        "contains": "an entry with {}",
    }
    wanted = ", ".join(map(str, expected)) if isinstance(expected, list) else str(expected)
    phrase = phrases.get(str(rule), f"{rule} {{}}").format(wanted)
    return f"{where}: expected {phrase}, found {error.instance!r}"
