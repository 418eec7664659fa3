"""The configuration as objects: which conditions, runs and figures there are, and everything that
is wrong with it.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from icnewton.constructions.parts.precision import largest_error, smallest_error
from icnewton.files import brief
from icnewton.pipeline.schema import Config, complaints, malformed
from icnewton.problems.linear import Condition
from icnewton.problems.logistic import LogisticCondition
from icnewton.training.runs import AnyCondition, Recipe, Run

MOST_MODELS, MOST_PROBLEMS = 100_000, 50


class ConfigError(ValueError):
    """Everything wrong with a configuration, one line a problem."""

    def __init__(self, problems: list[str]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        shown = problems[:MOST_PROBLEMS] + ["and so on"] * (len(problems) > MOST_PROBLEMS)
        super().__init__(
            "\n".join([f"the configuration has {count}:", *(f"  - {p}" for p in shown)])
        )


def condition_name(condition: AnyCondition) -> str:
    """The readable wildcard of a condition, such as ``normalised_kappa10_noise0.1`` or
    ``bounded_kappa10_mu0.1``.
    """
    last = (
        {"mu": condition.mu}
        if isinstance(condition, LogisticCondition)
        else {"noise": condition.noise}
    )
    return _condition_name(condition.protocol, condition.kappa, **last)


def run_name(run: Run, variant: str | None = None) -> str:
    """The readable wildcard of a run within its condition, such as ``lsa_layers4_seed0`` or
    ``lsa-clip_layers4_seed0``.
    """
    return _run_name(run.family, variant, run.layers, run.seed)


@dataclass(frozen=True)
class Experiment:
    """A checked configuration; raise ``ConfigError`` with every problem through ``check``."""

    config: Config

    @classmethod
    def check(cls, config: Config, schema: Config) -> "Experiment":
        """The experiment of a configuration, or ConfigError naming each key, what was expected and
        what was found.
        """
        if problem := malformed(config):
            raise ConfigError([problem])  # nothing else can be said of it
        problems, experiment = complaints(config, schema), cls(config)
        try:
            problems += experiment._contradictions()
        except (
            Exception
        ):  # only a configuration that the schema refuses may lack what the contradictions look at
            if not problems:
                raise
        if problems:
            raise ConfigError(list(dict.fromkeys(problems)))
        return experiment

    def runs(self) -> dict[str, Run]:
        """Every model to be learned, by ``condition/run`` name."""
        runs = {}
        for _, group in _groups(self.config):
            recipe = Recipe.parse(
                {**self.config["recipes"][group["recipe"]][_recipe_family(group)], **group["set"]}
            )
            for values, layers, seed in _members(group):
                run = Run(group["family"], self.condition(**values), layers, seed, recipe)
                runs[f"{condition_name(run.condition)}/{run_name(run, group.get('variant'))}"] = run
        return runs

    def condition(
        self, protocol: str, kappa: float, noise: float | None = None, mu: float | None = None
    ) -> AnyCondition:
        """A condition at the d and n of its half of the experiment: logistic regression if it has a
        mu.
        """
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

    def _contradictions(self) -> Iterator[str]:
        """Problems that no schema can see."""
        d, n = self.config["problem"]["d"], self.config["problem"]["n"]
        if n < d:
            yield f"problem.n: expected at least d = {d}, because least squares is solved directly, found {n}"
        recipes = self.config["recipes"]
        probes, covariances = (self.config["evaluation"][key] for key in ("probes", "covariances"))
        if probes > covariances:
            yield f"evaluation.probes: expected at most one for each of {covariances} covariances, found {probes}"
        yield from _inexact(self.config)
        for where, group in _groups(self.config):
            if group["recipe"] not in recipes:
                known, found = brief(", ".join(recipes), 1000), brief(repr(group["recipe"]))
                yield f"{where}.recipe: expected one of the recipes ({known}), found {found}"
                continue
            if (family := _recipe_family(group)) not in recipes[group["recipe"]]:
                yield f"{where}.recipe: expected a recipe for {family}, found {brief(repr(group['recipe']))} without one"
                continue
            yield from _recipe_problems(
                where, {**recipes[group["recipe"]][family], **group["set"]}, "mu" in group
            )
        if (models := sum(map(_count, (group for _, group in _groups(self.config))))) > MOST_MODELS:
            yield f"runs: expected at most {MOST_MODELS} models in all, found {models}"
            return
        yield from _unbuildable(self.config["logistic"])
        trained = Counter(name for _, group in _groups(self.config) for name in _names(group))
        yield from (
            f"runs: expected each model once, found {name} {k} times"
            for name, k in trained.items()
            if k > 1
        )
        built = {_condition_name(**values) for values in self.config["constructions"]["conditions"]}
        for name, figure in self.config["figures"].items():
            if figure["kind"].startswith("built_"):
                if extra := figure.keys() - {"kind", "section"}:
                    yield f"figures.{name}: expected no {' and no '.join(sorted(extra))} for a figure of kind {figure['kind']}"
            else:
                algorithms = {*self.config["algorithms"], *self.config["logistic"]["algorithms"]}
                yield from _figure_problems(
                    f"figures.{name}", figure, set(trained), built, algorithms
                )


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
    for kappa, value, layers, seed in product(
        *(group[key] for key in ("kappa", last, "layers", "seeds"))
    ):
        yield {"protocol": group["protocol"], "kappa": kappa, last: value}, layers, seed


def _count(group: Config) -> int:
    return math.prod(
        len(group[key]) for key in ("kappa", "mu" if "mu" in group else "noise", "layers", "seeds")
    )


def _recipe_problems(where: str, recipe: Config, logistic: bool) -> Iterator[str]:
    batch, each, warmup, steps = (
        recipe[key] for key in ("batch", "prompts_per_covariance", "warmup", "steps")
    )
    if batch % each:
        yield f"{where}: expected batch to be a multiple of prompts_per_covariance, found {batch} and {each}"
    if warmup > steps:
        yield f"{where}: expected warmup to be at most steps, found {warmup} and {steps}"
    if logistic and recipe["curriculum"]:
        yield f"{where}: expected curriculum to be null, because it is one of linear regression, found {recipe['curriculum']}"


def _inexact(config: Config) -> Iterator[str]:
    """Values that names, which are of six digits, do not tell from others."""
    named = [
        (f"constructions.conditions[{i}]", c)
        for i, c in enumerate(config["constructions"]["conditions"])
    ]
    for where, values in (*named, *_groups(config)):
        for key in {"kappa", "noise", "mu"} & values.keys():
            for value in values[key] if isinstance(values[key], list) else [values[key]]:
                if float(f"{value:g}") != value:
                    yield f"{where}.{key}: expected a number of at most six digits, which names show, found {value!r}"


def _unbuildable(logistic: Config) -> Iterator[str]:
    """Errors of a damped-Newton step for which Theorem 5.2's construction has no proof, or float64
    no room.
    """
    checks, cancer, built = (
        logistic["checks"],
        logistic["cancer"],
        logistic["built"].get("damped_newton"),
    )
    bounded = (
        {mu for group in logistic["runs"] if group["protocol"] == "bounded" for mu in group["mu"]}
        if built
        else set()
    )
    asked = [
        ("checks.error", c["mu"], error) for c in checks["conditions"] for error in checks["error"]
    ]
    asked += [("built.damped_newton.error", mu, built["error"]) for mu in sorted(bounded)]
    for where, mu, error in (*asked, ("cancer.error", cancer["mu"], cancer["error"])):
        if error > largest_error(mu):
            yield f"logistic.{where}: expected at most {largest_error(mu):.3g} at mu = {mu:g}, found {error}"
        if mu > 0 and error < smallest_error(mu):
            yield f"logistic.{where}: expected at least {smallest_error(mu):.3g} at mu = {mu:g}, found {error}"


def _condition_name(protocol: str, kappa: float, **last: float) -> str:
    return f"{protocol}_kappa{kappa:g}" + "".join(
        f"_{name}{value:g}" for name, value in last.items()
    )


def _run_name(family: str, variant: str | None, layers: int, seed: int) -> str:
    return f"{family}{'-' if variant else ''}{variant or ''}_layers{layers}_seed{seed}"


def _names(group: Config) -> Iterator[str]:
    """The names of a group's runs, without making them, so that a wrong value hides no other
    problem.
    """
    for values, layers, seed in _members(group):
        yield f"{_condition_name(**values)}/{_run_name(group['family'], group.get('variant'), layers, seed)}"


def _figure_problems(
    where: str, figure: Config, trained: set[str], built: set[str], algorithms: set[str]
) -> Iterator[str]:
    known = sorted({name.split("/")[0] for name in trained} | built)
    panels, kind = figure["panels"], figure["kind"]
    if kind not in ("curves", "logistic_loss") and len(panels) > 1:
        yield f"{where}.panels: expected one panel for a figure of kind {kind}, found {len(panels)}"
    if kind.startswith("functions") and panels[0].get("steps", 6) > 6:
        yield f"{where}: expected at most 6 steps, which are those that are probed, found {panels[0]['steps']}"
    if unknown := sorted(
        {algorithm for panel in panels for algorithm in panel["algorithms"]} - algorithms
    ):
        yield f"{where}: expected keys of algorithms, found {brief(', '.join(unknown))}"
    for condition in figure["conditions"]:
        found = brief(repr(condition))
        if condition not in known:
            yield f"{where}.conditions: expected one of {brief(', '.join(known), 1000)}, found {found}"
        elif ("_mu" in condition) != kind.startswith("logistic"):
            yield f"{where}: expected {'a logistic' if '_mu' not in condition else 'a linear'} condition, found {found}"
        elif kind in ("headline", "ablation") and condition not in built:
            yield f"{where}: expected a condition of constructions.conditions, found {found}"
        else:
            for family, layers in {
                (f, layers)
                for panel in panels
                for f, depths in panel["models"].items()
                for layers in depths
            }:
                if not any(
                    name.startswith(f"{condition}/{family}_layers{layers}_") for name in trained
                ):
                    missing = f"{family} with {layers} layers at {condition}"
                    yield f"{where}: expected models that some entry of runs trains, found {missing}"
