"""A model is a prompt format, a transformer and its card, whether it was built or learned."""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from icnewton.inputs import as_tensor, not_finite
from icnewton.models.config import TransformerConfig
from icnewton.models.families import FAMILIES
from icnewton.models.formats import FORMATS, Format
from icnewton.models.transformer import Layer, Transformer
from icnewton.typed import typed

if TYPE_CHECKING:
    from icnewton.domains import Check, Domain

JSON = Mapping[str, Any]
DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}


@dataclass(frozen=True)
class Card:
    """What is known of a model. Shape fields are read off the module's weights, never typed.

    family: inverse, least_squares, lsa, lsa_ln, ...
    kind: ``built`` or ``learned``.
    claim: the statement that a built model executes.
    depth: layers that are applied; hidden_width: the widest feed-forward network.
    layers_per_step: layers of one step of the emulated algorithm (None for learned models).
    config, format: what the module and the prompt format are made from.
    origin: how the weights came about.
    weights: the digest of the weights' file, which ``load`` compares (empty if never saved).
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


class OutsideDomain(ValueError):
    """An error, where a call was strict: the model was not made for a prompt."""


class OutsideDomainWarning(UserWarning):
    """The model was not made for a prompt, so its answer may be far off."""


@dataclass(frozen=True)
class Model:
    """Called on a prompt, ``model(A, X0)`` is X and ``model(x, y)`` y_hat, in the weights' dtype.

    Inputs are tensors, numpy arrays, data frames or lists of numbers. Answers are differentiable
    in them, by every means of torch. The weights are frozen, so answers to plain inputs hold no
    graph. For gradients with respect to weights call ``model.transformer.requires_grad_()``.
    """

    format: Format
    transformer: Transformer
    card: Card

    def __post_init__(self) -> None:
        self.transformer.requires_grad_(False)

    def __call__(self, *inputs: Any, strict: bool = False) -> Tensor:
        """The answer for a batch of prompts, after a check whether the model was made for them.

        A prompt outside the model's domain gives an ``OutsideDomainWarning``, or an
        ``OutsideDomain`` error if ``strict``. Raises ValueError on inputs of wrong shapes or kinds,
        and where the answer would be nothing but rounding.
        """
        tensors = self._tensors(*inputs)
        if complaint := self.domain.complaint(self.transformer.dtype, *tensors):
            if strict:
                raise OutsideDomain(complaint)
            warnings.warn(complaint, OutsideDomainWarning, stacklevel=2)
        return self._answer(*tensors)

    def answer(self, *inputs: Any) -> Tensor:
        """The answer without a look at the domain, to measure what a model does anywhere."""
        return self._answer(*self._tensors(*inputs))

    def error(self, prompts: Any) -> Tensor:
        """The error ``(batch,)`` of the answers to prompts of ``icnewton.sample``, in float64.

        For linear regression it is the squared error over tr Sigma.
        """
        return cast(Tensor, prompts.error(self.to(torch.float64).answer(prompts.x, prompts.y)))

    def check(self, *inputs: Any, tolerance: float = 1e-6) -> "Check":
        """What is known of the answers: residual, spectrum, expected error, steps that suffice.

        Raises ValueError where a call does, and on inputs that are not finite.
        """
        tensors = self._tensors(*inputs)
        if words := not_finite(**dict(zip(self.format.inputs, tensors, strict=True))):
            raise ValueError(words)
        return self.domain.check(self, *tensors, tolerance=tolerance)

    @cached_property
    def domain(self) -> "Domain":
        """The prompts for which the model was made.

        There is no import statement, because what a domain says changes no answer: a job's digest
        of code need not cover it.
        """
        return cast("Domain", import_module("icnewton.domains").domain_of(self.card))

    def trace(self, *inputs: Any) -> list[dict[str, Tensor]]:
        """The named blocks before the first and after each layer, ``(batch, tokens, rows)``."""
        tokens = self._tokens(*self._tensors(*inputs))
        return [self.format.stream.unpack(stream) for stream in self.transformer.streams(tokens)]

    def to(self, *where: Any, device: Any = None, dtype: torch.dtype | None = None) -> "Model":
        """The same model elsewhere or in another precision, as ``to("cuda", torch.float32)``.

        Raises ValueError for anything but a floating-point dtype or a device that torch can use.
        """
        for value in where:
            dtype, device = (value, device) if isinstance(value, torch.dtype) else (dtype, value)
        dtype = dtype or self.transformer.dtype
        if dtype not in DTYPES.values():
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, found {dtype}")
        transformer = type(self.transformer)(self.transformer.config, dtype)
        transformer.load_state_dict(self.transformer.state_dict())
        try:
            transformer.to(self.transformer.device if device is None else torch.device(device))
        except (RuntimeError, AssertionError, TypeError) as error:
            found = f"{device!r}: {error}"
            raise ValueError(f"device must be one that torch can use, found {found}") from None
        return assemble(self.format, transformer, **kept(self.card))

    def _tensors(self, *inputs: Any) -> list[Tensor]:
        names = [*self.format.inputs]
        if len(inputs) != len(names):
            wanted = " and ".join(names)
            raise TypeError(f"a model of this format takes {wanted}, found {len(inputs)} inputs")
        device = self.transformer.device
        named = zip(names, inputs, strict=True)
        tensors = [as_tensor(name, value, device) for name, value in named]
        self.format.check(*tensors)
        return tensors

    def _tokens(self, *tensors: Tensor) -> Tensor:
        return self.format.tokens(*(tensor.to(self.transformer.dtype) for tensor in tensors))

    def _answer(self, *tensors: Tensor) -> Tensor:
        return self.format.read(self.transformer(self._tokens(*tensors)))


def kept(card: Card) -> dict[str, Any]:
    """What a card says that is not read off the module, as arguments of ``assemble``."""
    names = ("family", "kind", "claim", "layers_per_step", "origin")
    return {name: getattr(card, name) for name in names}


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
    name = next(name for name, known in FORMATS.items() if type(format) is known)
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
    inner, width = 0, transformer.config.width
    if layers:
        inner, width = layers[0].attention.query.weight.shape
    networks = [layer.feed_forward for layer in layers]
    hidden = [network.first.weight.shape[0] for network in networks if network is not None]
    return {
        "depth": len(layers) * transformer.config.loops,
        "heads": inner // head_dim,
        "width": width,
        "head_dim": head_dim,
        "hidden_width": max(hidden, default=0),
    }


def from_card(values: object) -> tuple[Card, Format, Transformer]:
    """The card of JSON values, with the format and the transformer that it describes.

    The transformer's weights take no memory yet. Choices of architecture that the card does not
    name have their defaults. Raises TypeError or ValueError on a foreign card.
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
        found = dict(format.stream.sizes)
        words = f"add up to the width {config.width}"
        raise ValueError(f"blocks must have sizes that {words}, found {found}")
    make = FAMILIES[card.family].transformer if card.kind == "learned" else Transformer
    with torch.device("meta"):
        return replace(card, config=asdict(config)), format, make(config, DTYPES[card.dtype])
