"""What a training run is: a family of models, a condition, a depth, a seed and a recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from icnewton.classification import LogisticCondition, LogisticPrompts, sample_logistic
from icnewton.formats import LogisticFormat, RegressionFormat
from icnewton.prompts import Condition, Prompts, generator, sample
from icnewton.training.curriculum import Curriculum
from icnewton.transformer import Transformer, TransformerConfig

AnyCondition = Condition | LogisticCondition


@dataclass(frozen=True)
class Recipe:
    """How a model is made and trained; every value is documented in the schema of the configuration."""

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

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "Recipe":
        """From plain configuration values; raises TypeError on unknown or missing names."""
        curriculum = values["curriculum"]
        fields = {**values, "betas": tuple(values["betas"]), "curriculum": curriculum and Curriculum(**curriculum)}
        return cls(**fields)


@dataclass(frozen=True)
class Run:
    """One model to be learned; runs of different depth or seed share no random stream.

    family: ``lsa`` linear self-attention; ``lsa_ln`` the same with LayerNorm; ``softmax`` an encoder whose target is the
    minimiser of the logistic loss; ``softmax_truth`` the same with the true weights as its target.
    """

    family: Literal["lsa", "lsa_ln", "softmax", "softmax_truth"]
    condition: AnyCondition
    layers: int
    seed: int
    recipe: Recipe

    def to_json(self) -> dict[str, Any]:
        """The run as plain values."""
        return asdict(self)

    @property
    def format(self) -> RegressionFormat | LogisticFormat:
        """Tokens (a_i, y_i) and a linear read-out at the last token: the prediction, or the weights."""
        format = LogisticFormat if isinstance(self.condition, LogisticCondition) else RegressionFormat
        return format(self.condition.d, self.recipe.width)

    def sample(
        self, covariances: int, prompts_each: int, source: torch.Generator, dtype: torch.dtype = torch.float64
    ) -> Prompts | LogisticPrompts:
        """``covariances * prompts_each`` prompts of the run's condition, at full size."""
        if isinstance(self.condition, LogisticCondition):
            return sample_logistic(self.condition, covariances, prompts_each, source, dtype)
        return sample(self.condition, covariances, prompts_each, source, dtype)

    def transformer(self) -> Transformer:
        """The transformer at its initialisation, float32 on the CPU, from the run's own random stream.

        Weights are Gaussian with variance 1 / fan-in; the output maps of attention and feed-forward networks carry a further
        ``output_gain / layers``, which keeps the residual stream near its embedding at first.
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


def parse_condition(values: Mapping[str, Any]) -> AnyCondition:
    """The condition of plain values, as jobs receive it: logistic if they have a mu."""
    return LogisticCondition(**values) if "mu" in values else Condition(**values)


def parse_run(values: Mapping[str, Any]) -> Run:
    """The run of ``Run.to_json``'s plain values, as jobs receive it."""
    recipe, condition = Recipe.parse(values["recipe"]), parse_condition(values["condition"])
    return Run(values["family"], condition, values["layers"], values["seed"], recipe)
