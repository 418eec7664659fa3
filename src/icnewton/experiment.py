"""The configuration as objects: which conditions, runs and figures there are, and everything that is wrong with it."""

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
    return f"{condition.protocol}_kappa{condition.kappa:g}_noise{condition.noise:g}"


def run_name(run: Run) -> str:
    """The readable wildcard of a run within its condition, such as ``lsa_layers4_seed0``."""
    return f"{run.family}_layers{run.layers}_seed{run.seed}"


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
        problems = [_sentence(error) for error in _errors(config, schema)]
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
        for index, group in enumerate(self.config["runs"]):
            if group["recipe"] not in self.config["recipes"]:
                known = ", ".join(self.config["recipes"])
                yield f"runs[{index}].recipe: expected one of the recipes ({known}), found {group['recipe']!r}"
                return
            recipe = {**self.config["recipes"][group["recipe"]], **group["set"]}
            if recipe["batch"] % recipe["prompts_per_covariance"]:
                yield (
                    f"runs[{index}]: expected batch to be a multiple of prompts_per_covariance, "
                    f"found {recipe['batch']} and {recipe['prompts_per_covariance']}"
                )
        trained, conditions = self.runs(), self.conditions()
        for name, figure in self.config["figures"].items():
            yield from _untrained(name, figure, trained, conditions)
            named = {algorithm for panel in figure["panels"] for algorithm in panel["algorithms"]}
            if unknown := sorted(named - set(self.config["algorithms"])):
                yield f"figures.{name}: expected keys of algorithms, found {', '.join(unknown)}"


def _untrained(name: str, figure: Config, trained: Mapping[str, Run], conditions: Mapping[str, Condition]) -> Iterator[str]:
    for condition in figure["conditions"]:
        if condition not in conditions:
            yield f"figures.{name}.conditions: expected one of {', '.join(conditions)}, found {condition!r}"
            continue
        for panel in figure["panels"]:
            for family, depths in panel["models"].items():
                for layers in depths:
                    if not any(key.startswith(f"{condition}/{family}_layers{layers}_") for key in trained):
                        yield (
                            f"figures.{name}: expected models that some entry of runs trains, "
                            f"found {family} with {layers} layers at {condition}"
                        )


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
