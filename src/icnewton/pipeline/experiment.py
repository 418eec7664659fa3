"""The configuration as objects: which conditions, runs, built models and figures there are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import product
from typing import Any

from icnewton.algorithms import ALGORITHMS
from icnewton.figures import FIGURES
from icnewton.models.families import FAMILIES
from icnewton.pipeline.schema import Config
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.parse import parse_condition
from icnewton.training.recipe import Recipe, recipes, values_of
from icnewton.training.runs import Run

SECTION = "6. Beyond the paper"  # of figures that name none


def run_name(family: str, variant: str | None, layers: int, seed: int) -> str:
    """The readable wildcard of a run within its condition, such as ``lsa_layers4_seed0`` or
    ``lsa-clip_layers4_seed0``.
    """
    return f"{family}{'-' if variant else ''}{variant or ''}_layers{layers}_seed{seed}"


def problem_of(group: Config) -> str:
    """The problem of an entry of ``runs``."""
    return str(group.get("problem") or FAMILIES[group["family"]].problem)


def members(group: Config) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Values of the condition, layers and seed of every run of an entry of ``runs``."""
    own = PROBLEMS[problem_of(group)].condition.own()
    listed = {key: group[key] for key in ("kappa", "d", "n", *own) if key in group}
    fixed = {"problem": problem_of(group), "protocol": group["protocol"]}
    for *values, layers, seed in product(
        *listed.values(), group["layers"], group.get("seeds", [0])
    ):
        yield fixed | dict(zip(listed, values, strict=True)), layers, seed


@dataclass(frozen=True)
class Experiment:
    """What a checked configuration asks for; ``check`` in ``complaints.py`` makes one."""

    config: Config

    def sizes(self, problem: str) -> tuple[int, int]:
        """d and n of a problem's prompts."""
        given = self.config.get("problems", {}).get(problem)
        return (given["d"], given["n"]) if given else PROBLEMS[problem].sizes

    def condition(self, values: Mapping[str, Any]) -> Condition:
        """A condition by its values, at the sizes of its problem unless they are among them.

        Raises ValueError in one sentence if there is none.
        """
        problem = values.get("problem", "linear")
        d, n = self.sizes(problem)
        return parse_condition({"d": d, "n": n, **values, "problem": problem})

    def name(self, condition: Condition) -> str:
        """What files and figures call a condition."""
        return condition.name(self.sizes(condition.problem))

    def named(self, values: Mapping[str, Any]) -> str:
        """The same for a condition's values, whether or not there is such a condition."""
        problem = values.get("problem", "linear")
        rest = {key: value for key, value in values.items() if key != "problem"}
        return PROBLEMS[problem].condition.named(rest, self.sizes(problem))

    def recipe(self, group: Config) -> Recipe:
        """The recipe of an entry of ``runs``; raises ValueError in one sentence if it has none."""
        values = values_of(self.recipes, group.get("recipe", "fast"), group["family"])
        return Recipe.parse({**values, **group.get("set", {})})

    @cached_property
    def recipes(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """The values of all recipes, those of the configuration laid over the package's."""
        given = self.config.get("recipes", {})
        known = {name: dict(by_family) for name, by_family in recipes().items()}
        for name, by_family in given.items():
            for family, values in by_family.items():
                usual = known.setdefault(name, {}).get(family, {})
                known[name][family] = {**usual, **values}
        return known

    def names(self, group: Config) -> Iterator[str]:
        """The ``condition/run`` name of every run of an entry of ``runs``, in order."""
        for values, layers, seed in members(group):
            run = run_name(group["family"], group.get("variant"), layers, seed)
            yield f"{self.named(values)}/{run}"

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every model to be learned, by ``condition/run`` name."""
        found = {}
        for group in self.config["runs"]:
            family, recipe = group["family"], self.recipe(group)
            for name, member in zip(self.names(group), members(group), strict=True):
                values, layers, seed = member
                found[name] = Run(family, self.condition(values), layers, seed, recipe)
        return found

    @cached_property
    def recipe_names(self) -> Mapping[str, Mapping[str, str]]:
        """The name of the recipe by condition and method, for the claims' scopes."""
        found: dict[str, dict[str, str]] = {}
        for group in self.config["runs"]:
            method = "-".join(filter(None, (group["family"], group.get("variant"))))
            for values, _, _ in members(group):
                found.setdefault(self.named(values), {})[method] = group.get("recipe", "fast")
        return found

    @cached_property
    def conditions(self) -> dict[str, Condition]:
        """Every condition with a table of its own: where models are trained, built or compared with
        theory.
        """
        asked = [run.condition for run in self.runs.values()]
        for entry in self.config.get("constructions", {}).values():
            asked += map(self.condition, entry["conditions"])
        asked += map(self.condition, self.config.get("polynomial", {}).get("conditions", []))
        return {self.name(condition): condition for condition in asked}

    def _tests(self) -> Iterator[tuple[str, Condition]]:
        """Runs with an ``evaluate_on``, each with its own condition and those others."""
        for group in self.config["runs"]:
            if group.get("evaluate_on"):
                for name, (values, *_) in zip(self.names(group), members(group), strict=True):
                    condition = self.condition(values)
                    for other in dict.fromkeys((condition, *tested_on(condition, group))):
                        yield name, other

    def _built_tests(self) -> Iterator[tuple[str, Condition, Condition]]:
        """Constructions with an ``evaluate_on``: a name, a condition that its models are built for,
        and that condition and those others.
        """
        for name, entry in self.config.get("constructions", {}).items():
            if entry.get("evaluate_on"):
                for condition in map(self.condition, entry["conditions"]):
                    for other in dict.fromkeys((condition, *tested_on(condition, entry))):
                        yield name, condition, other

    @cached_property
    def transfers(self) -> dict[str, list[str]]:
        """The runs to be evaluated on each condition of some ``evaluate_on``, their own among
        those.
        """
        found: dict[str, list[str]] = {name: [] for name in self.tested}
        for run, condition in self._tests():
            found[self.name(condition)].append(run)
        return found

    @cached_property
    def built_transfers(self) -> dict[str, dict[str, list[str]]]:
        """The same for constructions: by the condition of the evaluation, and by the one that
        models are built for.
        """
        found: dict[str, dict[str, list[str]]] = {name: {} for name in self.tested}
        for construction, home, condition in self._built_tests():
            at = found[self.name(condition)].setdefault(self.name(home), [])
            at.append(construction)
        return found

    @cached_property
    def tested(self) -> dict[str, Condition]:
        """The conditions on which models are evaluated that may be trained or built for others, by
        name.
        """
        asked = [condition for _, condition in self._tests()]
        asked += [condition for _, _, condition in self._built_tests()]
        return {self.name(condition): condition for condition in asked}

    @cached_property
    def everywhere(self) -> dict[str, Condition]:
        """Every condition whose prompts are drawn."""
        return self.tested | self.conditions

    def built(self, condition: str) -> dict[str, Config]:
        """The constructions whose models are evaluated on a condition, by name."""
        entries = self.config.get("constructions", {})
        return {
            name: entry
            for name, entry in entries.items()
            if condition in map(self.named, entry["conditions"])
        }

    def algorithms(self, problem: str) -> dict[str, list[int]]:
        """The reference algorithms of a problem and the steps at which they are evaluated."""
        named = dict(self.config.get("algorithms", {}))
        for figure in self.config.get("figures", {}).values():
            for panel in figure.get("panels", []):
                named |= {a: None for a in panel.get("algorithms", []) if a not in named}
        entries = {name: ALGORITHMS[name] for name in named}
        return {
            name: list(named[name] or entry.steps)
            for name, entry in entries.items()
            if entry.problem == problem
        }

    def words(self, figure: str) -> dict[str, dict[str, str]]:
        """Titles of what a figure shows: of methods, conditions and quantities."""
        spec = self.config["figures"][figure]
        are_transfers = self.figure_kind(figure).tables == "transfer"
        named = self.tested if are_transfers else spec.get("conditions", [])
        shown = [name for name in self.everywhere if name in named]
        methods: dict[str, str] = {}
        for panel in spec.get("panels", []):
            methods |= {name: _title(name) for name in panel["models"]}
            methods |= {name: ALGORITHMS[name].title for name in panel.get("algorithms", [])}
        quantities: dict[str, str] = {}
        titles: dict[str, str] = {}
        for name in shown:
            condition = self.everywhere[name]
            titles[name] = condition.title(self.sizes(condition.problem))
            measures = PROBLEMS[condition.problem].measures
            quantities |= {key: measure.label for key, measure in measures.items()}
        return {"methods": methods, "conditions": titles, "quantities": quantities}

    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures with their sections."""
        return {
            name: {"section": SECTION, **spec}
            for name, spec in self.config.get("figures", {}).items()
        }

    def figure_kind(self, name: str) -> Any:
        """The entry of the kind of a figure."""
        return FIGURES[self.config["figures"][name]["kind"]]


def _title(method: str) -> str:
    """The title of a family and of its variant, if it is one."""
    family, _, variant = method.partition("-")
    return ", ".join(filter(None, (FAMILIES[family].title, variant.replace("_", " "))))


def tested_on(condition: Condition, group: Config) -> list[Condition]:
    """The other conditions on which the models of an entry are evaluated; raises ValueError in one
    sentence where there is none, or where prompts have more dimensions than the models, or, if
    those are built, another size.
    """
    known = {field.name for field in fields(condition)}
    found, is_built = [], "conditions" in group
    for values in group.get("evaluate_on", []):
        if unknown := sorted(values.keys() - known):
            wanted = ", ".join(sorted(known))
            raise ValueError(f"evaluate_on: expected only {wanted}, found {', '.join(unknown)}")
        other = replace(condition, **values)
        if other.d > condition.d:
            words = f"at most the models' d = {condition.d}"
            raise ValueError(f"evaluate_on: expected {words}, found d = {other.d}")
        sizes, others = (condition.d, condition.n), (other.d, other.n)
        if is_built and others != sizes:
            words = "d = {} and n = {}, as built, found d = {} and n = {}"
            raise ValueError(f"evaluate_on: expected {words.format(*sizes, *others)}")
        found.append(other)
    return found
