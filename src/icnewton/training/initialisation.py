"""Where training starts from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

from icnewton.models.transformer import Transformer
from icnewton.typed import Within, positive, settle

Deviation = positive(1e6)


@dataclass(frozen=True)
class Initialisation:
    """How each kind of matrix is drawn.

    A number is the standard deviation of Gaussian entries, with biases 0. None is PyTorch's own
    way, which draws entries and biases uniformly within 1 / sqrt(inputs). Raises ValueError in one
    sentence for a value out of its limits.
    """

    embedding: Annotated[float | None, Deviation, "The embedding of tokens."]
    positions: Annotated[float, Deviation, "The embeddings of positions."]
    attention: Annotated[float | None, Deviation, "Queries, keys, values and outputs."]
    feed_forward: Annotated[float | None, Deviation, "Feed-forward networks."]
    readout: Annotated[float | None, Deviation, "The read-out."]
    padding: Annotated[
        int, Within(0, 1000), "Zeros in every token, which count as inputs of the embedding alone."
    ] = 0

    def __post_init__(self) -> None:
        settle(self)

    @torch.no_grad()
    def apply(self, transformer: Transformer, source: torch.Generator) -> None:
        """Draw all matrices, in the order of ``named_parameters``; LayerNorm stays the identity."""
        if transformer.positions is not None:
            transformer.positions.normal_(0, self.positions, generator=source)
        for kind, layer in _maps(transformer):
            deviation: float | None = getattr(self, kind)
            if deviation is not None:
                layer.weight.normal_(0, deviation, generator=source)
                continue
            bound = (layer.in_features + self.padding * (kind == "embedding")) ** -0.5
            for parameter in layer.parameters():
                parameter.uniform_(-bound, bound, generator=source)


def _maps(transformer: Transformer) -> Iterator[tuple[str, nn.Linear]]:
    """The linear maps of a transformer, each with the kind of its matrix."""
    for name, module in transformer.named_modules():
        if isinstance(module, nn.Linear):
            kinds = ("embedding", "attention", "feed_forward", "readout")
            yield next(kind for kind in kinds if kind in name), module


@torch.no_grad()
def by_fan_in(
    transformer: Transformer,
    source: torch.Generator,
    layers: int,
    embedding_gain: float,
    output_gain: float,
) -> None:
    """Gaussian weights with variance 1 / fan-in.

    The output maps of attention and feed-forward networks carry a further ``output_gain / layers``,
    which keeps the residual stream near its embedding at first.
    """
    for name, weight in transformer.named_parameters():
        if weight.ndim == 2:
            weight.normal_(0, weight.shape[1] ** -0.5, generator=source)
        if ".output.weight" in name or ".second.weight" in name:
            weight.mul_(output_gain / layers)
        elif name.startswith("embedding"):
            weight.mul_(embedding_gain)
