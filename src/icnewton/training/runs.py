"""What a training run is: a family of models, a condition, a depth, a seed and a recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch

from icnewton.files import brief
from icnewton.models.formats import LogisticFormat, RegressionFormat
from icnewton.models.transformer import Transformer, TransformerConfig
from icnewton.problems.linear import Condition, Prompts, generator, sample
from icnewton.problems.logistic import LogisticCondition, LogisticPrompts, sample_logistic
from icnewton.training.curriculum import Curriculum
from icnewton.training.values import (
    Check,
    apply,
    choice,
    flag,
    of,
    optional,
    pair,
    positive,
    refuse,
    share,
    whole,
)

AnyCondition = Condition | LogisticCondition
# the limits of the schema of the configuration
RECIPE: dict[str, Check] = {
    "width": whole(1, 16_384),
    "heads": whole(1, 1024),
    "head_dim": whole(1, 16_384),
    "hidden_width": whole(0, 1_000_000),
    **dict.fromkeys(("mean_attention", "query_as_key"), flag),
    "activation_clip": optional(positive(1e30)),
    **dict.fromkeys(("embedding_gain", "output_gain"), positive(1e6)),
    **dict.fromkeys(("steps", "warmup"), whole(1, 100_000_000)),
    **dict.fromkeys(("batch", "prompts_per_covariance"), whole(1, 10_000_000)),
    "learning_rate": positive(1e6),
    "matrix_rate": optional(positive(1e6)),
    "matrix_momentum": share,
    "betas": pair(share),
    "gradient_clip": positive(1e30),
    "curriculum": optional(of(Curriculum, "a Curriculum or None")),
}


@dataclass(frozen=True)
class Recipe:
    """How a model is made and trained; every value is documented in the schema of the
    configuration.

    Raises ValueError in one sentence for a value out of its limits there. Numbers of other kinds
    become Python's own.
    """

    width: int
    heads: int
    head_dim: int
    hidden_width: int
    mean_attention: bool
    query_as_key: bool
    activation_clip: float | None
    embedding_gain: float
    output_gain: float
    steps: int
    batch: int
    prompts_per_covariance: int
    learning_rate: float
    matrix_rate: float | None
    matrix_momentum: float
    warmup: int
    betas: tuple[float, float]
    gradient_clip: float
    curriculum: Curriculum | None

    def __post_init__(self) -> None:
        apply(self, RECIPE)
        if self.batch % self.prompts_per_covariance:
            refuse(
                "batch",
                f"a multiple of prompts_per_covariance, {self.prompts_per_covariance}",
                self.batch,
            )

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "Recipe":
        """From plain configuration values; raises ValueError in one sentence on unknown, missing or
        wrong ones.
        """
        recipe = _only(cls, "recipe", values)
        growth = recipe["curriculum"]
        return cls(
            **recipe
            | {
                "curriculum": growth
                if growth is None
                else Curriculum(**_only(Curriculum, "curriculum", growth))
            }
        )


@dataclass(frozen=True)
class Run:
    """One model to be learned; runs of different depth or seed share no random stream.

    family: ``lsa`` linear self-attention; ``lsa_ln`` the same with LayerNorm; ``softmax`` an
    encoder whose target is the minimiser of the logistic loss; ``softmax_truth`` the same with the
    true weights as its target. Raises ValueError in one sentence for values out of their limits, or
    that contradict each other.
    """

    family: Literal["lsa", "lsa_ln", "softmax", "softmax_truth"]
    condition: AnyCondition
    layers: int
    seed: int
    recipe: Recipe

    def __post_init__(self) -> None:
        apply(self, RUN)
        logistic = isinstance(self.condition, LogisticCondition)
        if logistic != self.family.startswith("softmax"):
            refuse(
                "family",
                f"one for {'logistic' if logistic else 'linear'} regression, as the condition is",
                self.family,
            )
        if logistic and self.recipe.curriculum:
            refuse(
                "curriculum", "None, because it is one of linear regression", self.recipe.curriculum
            )

    def to_json(self) -> dict[str, Any]:
        """The run as plain values."""
        return asdict(self)

    @property
    def format(self) -> RegressionFormat | LogisticFormat:
        """Tokens (a_i, y_i) and a linear read-out at the last token: the prediction, or the
        weights.
        """
        format = (
            LogisticFormat if isinstance(self.condition, LogisticCondition) else RegressionFormat
        )
        return format(self.condition.d, self.recipe.width)

    def sample(
        self,
        covariances: int,
        prompts_each: int,
        source: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> Prompts | LogisticPrompts:
        """``covariances * prompts_each`` prompts of the run's condition, at full size."""
        if isinstance(self.condition, LogisticCondition):
            return sample_logistic(self.condition, covariances, prompts_each, source, dtype)
        return sample(self.condition, covariances, prompts_each, source, dtype)

    def transformer(self) -> Transformer:
        """The transformer at its initialisation, float32 on the CPU, from the run's own random
        stream.

        Weights are Gaussian with variance 1 / fan-in; the output maps of attention and feed-forward
        networks carry a further ``output_gain / layers``, which keeps the residual stream near its
        embedding at first.
        """
        recipe, softmax = self.recipe, self.family.startswith("softmax")
        linear_scale = 1 / (self.condition.n * recipe.head_dim) if recipe.mean_attention else 1.0
        config = TransformerConfig(
            width=recipe.width,
            depth=self.layers,
            heads=recipe.heads,
            head_dim=recipe.head_dim,
            hidden_width=recipe.hidden_width,
            attention="softmax" if softmax else "linear",
            scale=recipe.head_dim**-0.5 if softmax else linear_scale,
            activation="gelu",
            layer_norm=self.family != "lsa",
            clip=recipe.activation_clip,
            query_as_key=recipe.query_as_key,
            inputs=self.condition.d + (2 if softmax else 1),
            outputs=self.condition.d if softmax else 1,
        )
        transformer = Transformer(config, torch.float32)
        self._initialise(transformer, generator("initialisation", self.layers, self.seed))
        return transformer

    @torch.no_grad()
    def _initialise(self, transformer: Transformer, source: torch.Generator) -> None:
        for name, weight in transformer.named_parameters():
            if weight.ndim == 2:
                weight.normal_(0, weight.shape[1] ** -0.5, generator=source)
            if ".output." in name or ".second.weight" in name:
                weight.mul_(self.recipe.output_gain / self.layers)
            elif name.startswith("embedding"):
                weight.mul_(self.recipe.embedding_gain)


RUN: dict[str, Check] = {
    "family": choice("lsa", "lsa_ln", "softmax", "softmax_truth"),
    "condition": of((Condition, LogisticCondition), "a Condition or a LogisticCondition"),
    "layers": whole(0, 1000),
    "seed": whole(0, 2**31 - 1),
    "recipe": of(Recipe, "a Recipe"),
}


def parse_condition(values: Mapping[str, Any]) -> AnyCondition:
    """The condition of plain values, as jobs receive it: logistic if they have a mu. Raises
    ValueError on wrong ones.
    """
    kind = LogisticCondition if isinstance(values, Mapping) and "mu" in values else Condition
    return kind(**_only(kind, "condition", values))


def parse_run(values: Mapping[str, Any]) -> Run:
    """The run of ``Run.to_json``'s plain values, as jobs receive it; raises ValueError in one
    sentence on wrong ones.
    """
    run = _only(Run, "run", values)
    return Run(
        **run
        | {"recipe": Recipe.parse(run["recipe"]), "condition": parse_condition(run["condition"])}
    )


def _only(cls: type, name: str, values: object) -> dict[str, Any]:
    """Values with exactly the names of a dataclass's fields; raises ValueError in one sentence if
    they are others.
    """
    wanted = [field.name for field in fields(cls)]
    if not isinstance(values, Mapping):
        refuse(name, f"values of {', '.join(wanted)}", values)
    if missing := [key for key in wanted if key not in values]:
        raise ValueError(f"{name}: expected the key {', '.join(missing)}, found none")
    if unknown := [str(key) for key in values if key not in wanted]:
        raise ValueError(
            f"{name}: expected only the keys {', '.join(wanted)}, found {brief(', '.join(unknown))}"
        )
    return dict(values)
