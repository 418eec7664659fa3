"""A model is a prompt format, a transformer and its card; built and learned models are the same thing from here on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import torch
from torch import Tensor

from icnewton.formats import FORMATS, Format
from icnewton.transformer import Layer, Transformer, TransformerConfig
from icnewton.typed import typed

JSON = Mapping[str, Any]
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}


@dataclass(frozen=True)
class Card:
    """What is known of a model. Shape fields are read off the module's weights, never typed.

    family: inverse, least_squares, lsa, lsa_ln, ...; kind: ``built`` or ``learned``; claim: the statement a built model
    executes; depth: layers that are applied; hidden_width: the widest feed-forward network; layers_per_step: layers that
    one step of the emulated algorithm costs (None for learned models);
    config and format: what the module and the prompt format are made from; origin: how the weights came about; weights: the
    digest of the weights' file, by which ``load`` knows it (empty for a model that was never saved).
    """

    family: str
    kind: str
    claim: str | None
    depth: int
    heads: int
    width: int
    head_dim: int
    hidden_width: int
    layers_per_step: int | None
    dtype: str
    config: JSON
    format: JSON
    origin: JSON = field(default_factory=dict)
    weights: JSON = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        """``card["depth"]`` is ``card.depth``: a card reads like its JSON."""
        try:
            return vars(self)[key]
        except KeyError:
            raise KeyError(f"a card has no {key!r}; it has {', '.join(vars(self))}") from None

    def to_json(self) -> dict[str, Any]:
        """The card as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Model:
    """Call it on a prompt: ``model(A, X0) -> X`` or ``model(x, y) -> y_hat``, in the dtype of the weights."""

    format: Format
    transformer: Transformer
    card: Card

    def _tokens(self, *inputs: Tensor) -> Tensor:
        return self.format.tokens(*(tensor.to(self.transformer.dtype) for tensor in inputs))

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Tensor:
        """The answer for a batch of prompts; raises ValueError if a tensor's shape is not the format's."""
        return self.format.read(self.transformer(self._tokens(*inputs)))

    def trace(self, *inputs: Tensor) -> list[dict[str, Tensor]]:
        """The named blocks before the first and after each layer, each ``(batch, tokens, rows)``."""
        return [self.format.stream.unpack(stream) for stream in self.transformer.trace(self._tokens(*inputs))]

    def to(self, dtype: torch.dtype) -> "Model":
        """The same model with weights in another dtype."""
        transformer = Transformer(self.transformer.config, dtype)
        transformer.load_state_dict(self.transformer.state_dict())
        return assemble(self.format, transformer, **kept(self.card))


def kept(card: Card) -> dict[str, Any]:
    """What of a card is not read off the module, as arguments of ``assemble``."""
    return {name: getattr(card, name) for name in ("family", "kind", "claim", "layers_per_step", "origin")}


def assemble(
    format: Format,
    transformer: Transformer,
    *,
    family: str,
    kind: str,
    claim: str | None = None,
    layers_per_step: int | None = None,
    origin: JSON | None = None,
) -> Model:
    """A model whose card is read off the module."""
    config = transformer.config
    name = next(name for name, known in FORMATS.items() if isinstance(format, known))
    card = Card(
        family=family,
        kind=kind,
        claim=claim,
        **_shape(transformer),
        layers_per_step=layers_per_step,
        dtype=str(transformer.dtype).removeprefix("torch."),
        config=asdict(config),
        format={"name": name, **asdict(format)},  # type: ignore[call-overload]
        origin=origin or {},
    )
    return Model(format, transformer, card)


def _shape(transformer: Transformer) -> dict[str, Any]:
    """Depth, heads, width, head_dim and hidden width, from the shapes of the weights."""
    layers = cast(list[Layer], list(transformer.layers))
    head_dim = transformer.config.head_dim
    if not layers:
        return {"depth": 0, "heads": 0, "width": transformer.config.width, "head_dim": head_dim, "hidden_width": 0}
    inner, width = layers[0].attention.query.weight.shape
    hidden = [layer.feed_forward.first.weight.shape[0] for layer in layers if layer.feed_forward is not None]
    return {
        "depth": len(layers) * transformer.config.loops,
        "heads": inner // head_dim,
        "width": width,
        "head_dim": head_dim,
        "hidden_width": max(hidden, default=0),
    }


def from_card(values: object) -> tuple[Card, Format, Transformer]:
    """The card of JSON values, and the format and the transformer that it describes, whose weights take no memory yet.

    Raises TypeError or ValueError on a foreign card.
    """
    card = typed(Card, values)
    settings = dict(card.format)
    name = settings.pop("name", None)
    for what, found, known in (("format.name", name, FORMATS), ("dtype", card.dtype, DTYPES)):
        if found not in [*known]:
            raise ValueError(f"{what} must be one of {', '.join(known)}, found {found!r}")
    format: Format = typed(FORMATS[str(name)], settings)
    config, sizes = typed(TransformerConfig, card.config), format.stream.sizes.values()
    if min(sizes, default=1) < 1 or sum(sizes) != config.width:
        raise ValueError(f"blocks must have sizes that add up to the width {config.width}, found {dict(format.stream.sizes)}")
    with torch.device("meta"):
        return card, format, Transformer(config, DTYPES[card.dtype])
