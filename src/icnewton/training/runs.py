"""What a training run is: a family of models, a condition, a depth, a seed and a recipe."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, cast

import torch

from icnewton.models.config import TransformerConfig
from icnewton.models.families import FAMILIES, Family
from icnewton.models.formats import LEARNED, LearnedFormat
from icnewton.models.transformer import Transformer
from icnewton.problems import PROBLEMS, Problem
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.parse import modules_of, parse_condition
from icnewton.problems.parts.prompts import Prompts
from icnewton.protocols import gaussian
from icnewton.randomness import generator
from icnewton.training.initialisation import by_fan_in
from icnewton.training.recipe import Recipe
from icnewton.training.starts import STARTS
from icnewton.typed import Within, keyed, plain, refuse


@dataclass(frozen=True)
class Run:
    """One model to be learned; runs of different depth or seed share no random stream.

    family: an entry of ``models.families``, which says what the model is and what it answers.

    Raises ValueError in one sentence for values out of their limits, or that contradict each other.
    """

    family: str
    condition: Condition
    layers: Annotated[int, Within(0, 1000), "Depth."]
    seed: Annotated[int, Within(0, 2**31 - 1), "One model for each."]
    recipe: Recipe

    def __post_init__(self) -> None:
        hints = type(self).__annotations__
        for name in ("family", "layers", "seed"):
            object.__setattr__(self, name, plain(name, getattr(self, name), hints[name]))
        for name, kind in (("condition", Condition), ("recipe", Recipe)):
            if not isinstance(getattr(self, name), kind):
                refuse(name, f"a {kind.__name__}", getattr(self, name))
        if self.kind.format not in self.problem.formats:
            able = f"one that answers {self.condition.problem} problems"
            refuse("family", able, self.family)
        if self.condition.problem != "linear":
            for name, off in (("curriculum", None), ("noisy_target", False)):
                if value := getattr(self.recipe, name):
                    refuse(name, f"{off}, because it is one of linear regression", value)
        start = self.recipe.start
        if start and (words := STARTS[start].refused(self.architecture, self.condition)):
            refuse("start", words, start)

    @property
    def architecture(self) -> TransformerConfig:
        """The shape of the transformer."""
        return self.kind.architecture(self.recipe, self.condition.d, self.condition.n, self.layers)

    @property
    def modules(self) -> list[str]:
        """The modules of the entries that it names."""
        named = [*modules_of(self.condition), FAMILIES.module(self.family)]
        return [*named, STARTS.module(self.recipe.start)] if self.recipe.start else named

    def to_json(self) -> dict[str, Any]:
        """The run as plain values."""
        return asdict(self) | {"condition": self.condition.to_json()}

    @property
    def kind(self) -> Family:
        """The entry of the family."""
        return FAMILIES[self.family]

    @property
    def problem(self) -> Problem:
        """The entry of the condition's problem."""
        return PROBLEMS[self.condition.problem]

    @property
    def format(self) -> LearnedFormat:
        """How prompts become tokens, and where the answer is read."""
        return LEARNED[self.kind.format](self.condition.d, self.recipe.width)

    def sample(
        self,
        covariances: int,
        prompts_each: int,
        source: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> Prompts:
        """``covariances * prompts_each`` prompts of the run's condition, at full size."""
        return self.problem.sample(self.condition, covariances, prompts_each, source, dtype)

    def target(self, prompts: Prompts) -> torch.Tensor:
        """What the model is to answer."""
        return cast(torch.Tensor, getattr(prompts, self.kind.target))

    def taught(self, prompts: Prompts, source: torch.Generator) -> torch.Tensor:
        """What training compares the answers with: the target, or the query's noisy label."""
        target = self.target(prompts)
        if not self.recipe.noisy_target:
            return target
        noise: float = self.condition.to_json()["noise"]
        return target + noise * gaussian(target.shape, source, target.dtype)

    def transformer(self) -> Transformer:
        """The transformer at its initialisation, float32 on the CPU.

        It is drawn from a random stream of its own. If the recipe names a start, that is put in.
        """
        recipe = self.recipe
        transformer = self.kind.transformer(self.architecture, torch.float32)
        source = generator("initialisation", self.layers, self.seed)
        if recipe.initialisation is not None:
            recipe.initialisation.apply(transformer, source)
        else:
            gains = (recipe.embedding_gain, recipe.output_gain)
            by_fan_in(transformer, source, self.layers, *gains)
        if recipe.start is not None:
            STARTS[recipe.start].put(transformer, self.condition)
        return transformer


def parse_run(values: object) -> Run:
    """The run of ``Run.to_json``'s plain values, as jobs receive it.

    Raises ValueError in one sentence on wrong ones.
    """
    run = keyed(Run, "run", values)
    condition, recipe = parse_condition(run["condition"]), Recipe.parse(run["recipe"])
    return Run(**{**run, "condition": condition, "recipe": recipe})
