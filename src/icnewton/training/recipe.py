"""How a model is made and trained, apart from its family, condition, depth and seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml

from icnewton.models.families import FAMILIES
from icnewton.training.curriculum import Curriculum
from icnewton.training.initialisation import Initialisation
from icnewton.training.schedule import schedule
from icnewton.training.starts import STARTS
from icnewton.typed import SHARE, Within, parse, positive, refuse, settle


@dataclass(frozen=True)
class Recipe:
    """The values of a training; each is explained where it is declared.

    Raises ValueError in one sentence for a value out of its limits. Numbers of other kinds become
    Python's own.
    """

    width: Annotated[int, Within(1, 16_384), "Width of the residual stream."]
    heads: Annotated[int, Within(1, 1024), "Attention heads."]
    head_dim: Annotated[int, Within(1, 16_384), "Dimension of a head."]
    hidden_width: Annotated[
        int, Within(0, 1_000_000), "Width of the feed-forward networks; 0 for none."
    ]
    mean_attention: Annotated[
        bool, "Divide linear attention by n * head_dim; off is the paper's plain sum."
    ]
    query_as_key: Annotated[
        bool, "Whether the query is attended to, as in the paper, which has no mask."
    ]
    activation_clip: Annotated[
        float | None,
        positive(1e30),
        "Bound on every activation after a layer, in training and evaluation; null for none.",
    ]
    embedding_gain: Annotated[
        float, positive(1e6), "Factor on the embedding's fan-in initialisation."
    ]
    output_gain: Annotated[
        float,
        positive(1e6),
        "Outputs of attention and feed-forward networks start at output_gain / layers of fan-in.",
    ]
    steps: Annotated[int, Within(1, 100_000_000), "Training steps."]
    batch: Annotated[int, Within(1, 10_000_000), "Prompts of a step."]
    prompts_per_covariance: Annotated[
        int, Within(1, 10_000_000), "Prompts of a batch that share a covariance."
    ]
    learning_rate: Annotated[float, positive(1e6), "Peak of the learning rate (Adam)."]
    matrix_rate: Annotated[
        float | None,
        positive(1e6),
        "Peak spectral norm of a step of every weight matrix of the layers (Muon); null leaves "
        "them to Adam.",
    ]
    matrix_momentum: Annotated[float, SHARE, "Averaging rate of Muon's momentum."]
    warmup: Annotated[int, Within(1, 100_000_000), "Steps of linear warm-up; a cosine follows."]
    betas: Annotated[
        tuple[Annotated[float, SHARE], Annotated[float, SHARE]], "Adam's averaging rates."
    ]
    gradient_clip: Annotated[
        float | None, positive(1e30), "Bound on the gradient's norm; null for none."
    ]
    curriculum: Annotated[Curriculum | None, "Growth of the problem while training; null for none."]
    decay_until: Annotated[
        int | None, Within(1, 100_000_000), "Step at which the cosine ends; null for the last."
    ] = None
    last_rate: Annotated[float, SHARE, "Where the cosine ends, as a share of the peak."] = 0.0
    noisy_target: Annotated[
        bool, "Train on the query's label with its noise, as the paper's runs did."
    ] = False
    initialisation: Annotated[
        Initialisation | None, "How weights are drawn; null for 1 / fan-in and the gains above."
    ] = None
    head_scale: Annotated[
        bool, "Divide linear attention by sqrt(head_dim), as softmax attention does."
    ] = False
    attention_bias: Annotated[bool, "Biases on queries, keys, values and outputs."] = False
    end_bias: Annotated[bool, "Biases on the embedding and on the read-out."] = False
    last_norm: Annotated[bool, "LayerNorm before the read-out."] = False
    position_embeddings: Annotated[bool, "A learned embedding for each position of a token."] = (
        False
    )
    activation: Annotated[Literal["gelu", "relu"], "Of the feed-forward networks."] = "gelu"
    start: Annotated[
        str | None, "Known weights to start from, such as gdpp_fitted; null for random ones."
    ] = None

    def __post_init__(self) -> None:
        settle(self)
        if self.head_scale and self.mean_attention:
            refuse("head_scale", "false where mean_attention divides already", True)
        if self.batch % self.prompts_per_covariance:
            each = self.prompts_per_covariance
            refuse("batch", f"a multiple of prompts_per_covariance, {each}", self.batch)
        if self.start is not None:
            STARTS[self.start]

    def rate(self, step: int) -> float:
        """The learning rate of step 0, 1, ... over its peak."""
        return schedule(step, self.warmup, self.decay_until or self.steps, self.last_rate)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe of plain values; raises ValueError in one sentence on wrong ones."""
        return parse(cls, "recipe", values)

    @classmethod
    def named(cls, name: str, family: str = "lsa", **changes: Any) -> "Recipe":
        """A recipe that comes with the package, as ``Recipe.named("fast", "lsa_ln", steps=100)``.

        Raises ValueError, listing what there is, for an unknown name, and for a family that the
        recipe is not for.
        """
        return cls.parse({**values_of(recipes(), name, family), **changes})


@cache
def recipes() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """The values of the recipes that come with the package, by name and family."""
    folder = files("icnewton.training").joinpath("recipes")
    found = sorted(path.name for path in folder.iterdir() if path.name.endswith(".yaml"))
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in found}
    return {name.removesuffix(".yaml"): yaml.safe_load(text) for name, text in texts.items()}


def values_of(known: Mapping[str, Mapping[str, Any]], name: str, family: str) -> Mapping[str, Any]:
    """The values of a recipe for a family; raises ValueError, with the names there are."""
    if name not in known:
        raise ValueError(f"recipe: expected one of {', '.join(known)}, found {name!r}")
    cooked = FAMILIES[family].recipes or family
    if cooked not in known[name]:
        able = ", ".join(known[name])
        raise ValueError(f"recipe: expected one for {cooked}, found {name!r}, which is for {able}")
    values: Mapping[str, Any] = known[name][cooked]
    return values
