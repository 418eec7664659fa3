"""What each layer does to a prompt, ready for the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from icnewton.constructions.parts.heads import Head
from icnewton.inside.decompile import Curve, Network, heads_of, network_of
from icnewton.inside.formulas import (
    attention_formulas,
    combination,
    head_formula,
    head_words,
    network_formulas,
    state_of,
)
from icnewton.inside.learned import Share, shares
from icnewton.models.model import Model
from icnewton.models.stream import Stream
from icnewton.models.transformer import Layer

DRAWN = 48  # knots of a function that are drawn
MARGIN = 0.05  # of a drawing beyond the knots


@dataclass(frozen=True)
class Drawing:
    """A function of one variable: its name, its variable in LaTeX and points to draw."""

    name: str
    variable: str
    knots: int
    low: float
    high: float
    points: str


@dataclass(frozen=True)
class Described:
    """A layer in formulas and words.

    attention, network: a formula for each block that is written. heads: words and a formula for
    each head. functions: those of the network. shares: what parts of a learned layer send to the
    answer; built layers have none, their formulas say it all.
    """

    attention: list[str] = field(default_factory=list)
    heads: list[tuple[str, str]] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    functions: list[Drawing] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)


def describe(model: Model, streams: Sequence[Tensor]) -> Iterator[Described]:
    """Each layer's description, for the streams ``(1, tokens, width)`` before and after layers."""
    read: dict[Layer, tuple[list[Head] | None, Network | None]] = {}
    stream = model.format.stream
    for layer, before in zip(model.transformer.applied, streams[:-1], strict=True):
        if layer not in read:
            read[layer] = _decompiled(layer, stream) if model.card.kind == "built" else (None, None)
        heads, network = read[layer]
        if heads is None or (network is None and layer.feed_forward is not None):
            yield Described(shares=shares(model.transformer, layer, before))
        else:
            yield _described(layer, heads, network, stream, before)


def _decompiled(layer: Layer, stream: Stream) -> tuple[list[Head] | None, Network | None]:
    network = layer.feed_forward
    return heads_of(layer.attention, stream), network_of(network, stream) if network else None


def _described(
    layer: Layer, heads: Sequence[Head], network: Network | None, stream: Stream, before: Tensor
) -> Described:
    state = state_of(stream.unpack(before))
    attention = attention_formulas(heads, state)
    words = [(head_words(head), head_formula(head, state)) for head in heads]
    if network is None:
        return Described(attention, words)
    middle = before + layer.attention(before, before)
    formulas, functions = network_formulas(network, state_of(stream.unpack(middle)))
    return Described(attention, words, formulas, [*_drawings(functions)])


def _drawings(curves: Sequence[Curve]) -> Iterator[Drawing]:
    for number, curve in enumerate(curves, start=1):
        knots = curve.knots
        if len(knots) > DRAWN:
            knots = knots[torch.linspace(0, len(knots) - 1, DRAWN).round().long()]
        low, high = curve.knots[0].item(), curve.knots[-1].item()
        reach = MARGIN * (high - low)
        t = torch.cat([knots[:1] - reach, knots, knots[-1:] + reach])
        yield Drawing(
            name=f"f_{{{number}}}",
            variable=combination(curve.source),
            knots=len(curve.knots),
            low=low,
            high=high,
            points=_points(t, curve(t)),
        )


def _points(t: Tensor, values: Tensor) -> str:
    """The points of an SVG polyline in a box of 100 x 40, upwards."""
    x = 100 * (t - t[0]) / (t[-1] - t[0])
    height = (values.max() - values.min()).clamp_min(1e-300)
    y = 38 - 36 * (values - values.min()) / height
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
