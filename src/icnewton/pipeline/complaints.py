"""Everything that is wrong with a configuration, in words."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from icnewton.constructions import CONSTRUCTIONS
from icnewton.evaluation.measurements import MEASUREMENTS
from icnewton.files import brief
from icnewton.models.families import FAMILIES
from icnewton.pipeline.experiment import Experiment, members, problem_of, tested_on
from icnewton.pipeline.schema import Config, complaints, malformed
from icnewton.problems import PROBLEMS
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run
from icnewton.typed import settings_of

MOST_MODELS, MOST_PROBLEMS = 100_000, 50


class ConfigError(ValueError):
    """Everything wrong with a configuration, one line a problem."""

    def __init__(self, problems: list[str]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        shown = problems[:MOST_PROBLEMS] + ["and so on"] * (len(problems) > MOST_PROBLEMS)
        lines = [f"the configuration has {count}:", *(f"  - {problem}" for problem in shown)]
        super().__init__("\n".join(lines))


def check(config: Config) -> Experiment:
    """The experiment of a configuration, or ConfigError naming each key, what was expected and what
    was found.
    """
    if problem := malformed(config):
        raise ConfigError([problem])  # nothing else can be said of it
    problems, experiment = complaints(config), Experiment(config)
    refused = [problem.partition(":")[0] for problem in problems]
    try:
        for problem in _contradictions(experiment):
            if not _within(problem.partition(":")[0], refused):
                problems.append(problem)
    except Exception:  # what the schema refuses may lack what the contradictions look at
        if not problems:
            raise
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return experiment


def _within(place: str, refused: list[str]) -> bool:
    """Whether the schema refused something at a place, which then needs no second complaint."""
    inside = (f"{place}.", f"{place}[")
    return any(other == place or other.startswith(inside) for other in refused)


def _contradictions(experiment: Experiment) -> Iterator[str]:
    """Problems that no schema can see."""
    config = experiment.config
    yield from _sizes(experiment)
    yield from _inexact(config)
    if (models := sum(map(_count, config["runs"]))) > MOST_MODELS:
        yield f"runs: expected at most {MOST_MODELS} models in all, found {models}"
        return
    for index, group in enumerate(config["runs"]):
        yield from _of_group(f"runs[{index}]", group, experiment)
    for where, values in _conditions(config):
        yield from _said(where, experiment.condition, values)
    for name, settings in config.get("measurements", {}).items():
        yield from _of_measurement(name, settings)
    for name, entry in config.get("constructions", {}).items():
        yield from _of_construction(name, entry, experiment)
    counts = Counter(chain.from_iterable(map(experiment.names, config["runs"])))
    for name, count in counts.items():
        if count > 1:
            yield f"runs: expected each model once, found {name} {count} times"
    for name in config.get("figures", {}):
        yield from _of_figure(name, set(counts), experiment)


def _said(where: str, function: Any, *arguments: Any) -> list[str]:
    """What a function complains of."""
    try:
        function(*arguments)
    except (TypeError, ValueError) as error:
        return [f"{where}: {error}"]
    return []


def _sizes(experiment: Experiment) -> Iterator[str]:
    d, n = experiment.sizes("linear")
    if n < d:
        words = f"at least d = {d}, because least squares is solved directly"
        yield f"problems.linear.n: expected {words}, found {n}"
    probes, covariances = (experiment.config["evaluation"][k] for k in ("probes", "covariances"))
    if probes > covariances:
        words = f"at most one for each of {covariances} covariances"
        yield f"evaluation.probes: expected {words}, found {probes}"


def _conditions(config: Config) -> Iterator[tuple[str, Config]]:
    """The conditions that are written out, each with its place."""
    for name, entry in config.get("constructions", {}).items():
        for index, values in enumerate(entry["conditions"]):
            yield f"constructions.{name}.conditions[{index}]", values
    for index, values in enumerate(config.get("polynomial", {}).get("conditions", [])):
        yield f"polynomial.conditions[{index}]", values
    if "diabetes" in config:
        yield "diabetes", config["diabetes"]


def _inexact(config: Config) -> Iterator[str]:
    """Values that names, which are of six digits, do not tell from others."""
    groups = [(f"runs[{index}]", group) for index, group in enumerate(config["runs"])]
    for where, values in (*_conditions(config), *groups):
        for key in values.keys() - {"layers", "seeds", "set", "evaluate_on"}:
            for value in values[key] if isinstance(values[key], list) else [values[key]]:
                if not isinstance(value, str) and float(f"{value:g}") != value:
                    words = "a number of at most six digits, which names show"
                    yield f"{where}.{key}: expected {words}, found {value!r}"


def _of_group(where: str, group: Config, experiment: Experiment) -> Iterator[str]:
    """What is wrong with an entry of runs."""
    family, problem = FAMILIES[group["family"]], PROBLEMS[problem_of(group)]
    if family.format not in problem.formats:
        words = f"a family that answers {problem_of(group)} problems"
        yield f"{where}.family: expected {words}, found {group['family']!r}"
        return
    own = problem.condition.own()
    known = {"family", "variant", "recipe", "problem", "protocol", "kappa", "layers", "seeds"}
    if unknown := sorted(group.keys() - known - {"d", "n", "set", "evaluate_on", *own}):
        yield (
            f"{where}: expected only {', '.join(sorted(known))}, {', '.join(own)}, "
            f"found {brief(', '.join(unknown))}"
        )
        return
    if wrong := _said(where, experiment.recipe, group):
        yield from wrong
        return
    recipe = experiment.recipe(group)
    yield from _of_recipe(where, recipe, problem_of(group))
    for values, layers, _ in members(group):
        condition = _said(where, experiment.condition, values)
        if found := condition or _said(where, tested_on, experiment.condition(values), group):
            yield from found
            return
        if not layers and family.format == "regression":
            yield f"{where}.layers: expected at least 1 for {group['family']}, found {layers}"
            return
        if recipe.start:
            run = (group["family"], experiment.condition(values), layers, 0, recipe)
            yield from _said(where, Run, *run)


def _of_recipe(where: str, recipe: Recipe, problem: str) -> Iterator[str]:
    if recipe.warmup > recipe.steps:
        found = f"{recipe.warmup} and {recipe.steps}"
        yield f"{where}: expected warmup to be at most steps, found {found}"
    if recipe.decay_until and not recipe.warmup <= recipe.decay_until <= recipe.steps:
        found = f"{recipe.warmup}, {recipe.decay_until} and {recipe.steps}"
        yield f"{where}: expected decay_until to be from warmup to steps, found {found}"
    for name, off in (("curriculum", "null"), ("noisy_target", "false")):
        if problem != "linear" and getattr(recipe, name):
            words = f"{name} to be {off}, because it is one of linear regression"
            yield f"{where}: expected {words}, found {getattr(recipe, name)}"


def _count(group: Config) -> int:
    lists = [value for key, value in group.items() if isinstance(value, list)]
    return math.prod(len(value) for value in lists if value and not isinstance(value[0], Mapping))


def _of_measurement(name: str, settings: Config) -> Iterator[str]:
    where, measurement = f"measurements.{name}", MEASUREMENTS[name]
    if wrong := _said(where, settings_of, measurement.measure, settings):
        yield from wrong
        return
    for complaint in measurement.refused(**settings_of(measurement.measure, settings)):
        yield f"{where}.{complaint}"


def _of_construction(name: str, entry: Config, experiment: Experiment) -> Iterator[str]:
    """What a construction cannot make for conditions that are sound themselves."""
    for values in entry["conditions"]:
        if not _said(name, experiment.condition, values):
            construction, condition = CONSTRUCTIONS[entry["family"]], experiment.condition(values)
            yield from _said(f"constructions.{name}", tested_on, condition, entry)
            for complaint in construction.refused(condition, entry.get("set", {})):
                yield f"constructions.{name}.set.{complaint}"


def _of_figure(name: str, trained: set[str], experiment: Experiment) -> Iterator[str]:
    where, spec = f"figures.{name}", experiment.config["figures"][name]
    kind, word = experiment.figure_kind(name), spec["kind"]
    if kind.tables == "measurement":
        if extra := spec.keys() - {"kind", "section"}:
            words = " and no ".join(sorted(extra))
            yield f"{where}: expected no {words} for a figure of kind {word}"
        if kind.measurement not in experiment.config.get("measurements", {}):
            yield f"{where}: expected measurements to have {kind.measurement}, found it without"
        return
    wanted = ["panels"] if kind.tables == "transfer" else ["conditions", "panels"]
    if missing := [key for key in wanted if key not in spec]:
        yield f"{where}: expected the key {', '.join(missing)}, found none"
        return
    panels = spec["panels"]
    if not kind.several_panels and len(panels) > 1:
        yield f"{where}.panels: expected one panel for a figure of kind {word}, found {len(panels)}"
    if kind.tables == "probes" and not experiment.config["evaluation"]["probes"]:
        yield f"{where}: expected evaluation.probes to be at least 1, found 0"
    if kind.most_steps and (steps := panels[0].get("steps", 0)) > kind.most_steps:
        words = f"at most {kind.most_steps} steps, which are those that are probed"
        yield f"{where}: expected {words}, found {steps}"
    if word in ("similarity", "decoding") and not all(panel.get("algorithms") for panel in panels):
        yield f"{where}: expected algorithms to compare with, found none"
    if kind.tables == "transfer":
        if "conditions" in spec:
            yield f"{where}: expected no conditions for a figure of kind {word}"
        if not experiment.tested:
            yield f"{where}: expected some entry of runs with evaluate_on, found none"
        return
    for condition in spec.get("conditions", []):
        yield from _of_shown(where, spec, condition, trained, experiment)


def _of_shown(
    where: str, spec: Config, condition: str, trained: set[str], experiment: Experiment
) -> Iterator[str]:
    """What is wrong with a condition of a figure."""
    found, problems = brief(repr(condition)), _problems(experiment)
    if condition not in problems:
        expected = brief(", ".join(sorted(problems)), 1000)
        yield f"{where}.conditions: expected one of {expected}, found {found}"
        return
    problem = problems[condition]
    kind = experiment.figure_kind(where.removeprefix("figures."))
    if kind.problem not in (None, problem):
        yield f"{where}: expected a {kind.problem} condition, found {found}"
    elif kind.with_built and not experiment.built(condition):
        yield f"{where}: expected a condition for which something is built, found {found}"
    for panel in spec["panels"]:
        able = experiment.algorithms(problem)
        if foreign := [name for name in panel.get("algorithms", []) if name not in able]:
            words = f"algorithms for {problem} problems"
            yield f"{where}: expected {words}, found {brief(', '.join(foreign))}"
        for family, depths in panel["models"].items():
            for layers in depths:
                start = f"{condition}/{family}_layers{layers}_"
                if not any(name.startswith(start) for name in trained):
                    missing = f"{family} with {layers} layers at {condition}"
                    words = "models that some entry of runs trains"
                    yield f"{where}: expected {words}, found {missing}"


def _problems(experiment: Experiment) -> dict[str, str]:
    """The problem of each condition that has a table, by the condition's name."""
    config = experiment.config
    asked: list[Config] = []
    for group in config["runs"]:
        asked += [values for values, _, _ in members(group)]
    asked += [values for where, values in _conditions(config) if where != "diabetes"]
    return {experiment.named(values): values.get("problem", "linear") for values in asked}
