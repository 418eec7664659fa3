"""Heads and neurons by their action, compiled to the weights of the ordinary transformer.

A linear-attention head is trilinear, (value)(key)^T(query). It is stated as a proof states it:

    Head(value={"X": -X}, key=S, query=X)        # X <- X - X S^T X
    Head(value={"X": 2 * X}, key=I, query=I)     # X <- X + 2 X

where X, S and I are ``Rows`` of the named stream. The sum over tokens is the matrix product. With
the identity in block I of the first d tokens, heads compute products, transposes and copies of
d x d blocks. ``relu.py`` has the neurons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

import torch
from torch import Tensor

from icnewton.constructions.parts.budget import BUDGET, afford
from icnewton.constructions.parts.relu import Neurons, compile_neurons, count_neurons
from icnewton.models.config import TransformerConfig
from icnewton.models.stream import Rows, Stream
from icnewton.models.transformer import Attention, FeedForward, Layer, Transformer


@dataclass(frozen=True)
class Head:
    """Adds (value)(key)^T(query) to each target block.

    ``value`` maps a target block to the rows that go there.
    """

    value: Mapping[str, Rows]
    key: Rows
    query: Rows


Action = Head | Neurons


def compile_layers(
    stream: Stream,
    layers: Sequence[Sequence[Action]],
    loops: int = 1,
    budget: int = BUDGET,
    query_as_key: bool = True,
) -> Transformer:
    """The float64 transformer whose layers do exactly these actions: first the heads, then neurons.

    ``loops`` is how often the whole stack is applied, and ``query_as_key`` says whether the last
    token is attended to. Raises ValueError, before any weight is made,
    if the weights would take more than ``budget`` bytes.
    """
    heads = [_heads(layer) for layer in layers]
    neurons = [_neurons(layer) for layer in layers]
    sizes = [_size(stream, head) for head in chain.from_iterable(heads)]
    hidden = tuple(count_neurons(stream, layer) for layer in neurons)
    config = TransformerConfig(
        width=stream.width,
        depth=len(layers),
        heads=max([1, *map(len, heads)]),
        head_dim=max(sizes, default=1),
        hidden_width=hidden if any(hidden) else 0,
        loops=loops,
        query_as_key=query_as_key,
    )
    afford(config, budget)
    transformer = Transformer(config, torch.float64)
    modules = cast(list[Layer], list(transformer.layers))
    for module, heads_of_layer, neurons_of_layer in zip(modules, heads, neurons, strict=True):
        for index, head in enumerate(heads_of_layer):
            _write(module.attention, index * config.head_dim, *_matrices(stream, head))
        if module.feed_forward:
            _write_neurons(module.feed_forward, *compile_neurons(stream, neurons_of_layer))
    return transformer


def _heads(layer: Sequence[Action]) -> list[Head]:
    return [action for action in layer if isinstance(action, Head)]


def _neurons(layer: Sequence[Action]) -> list[Neurons]:
    return [action for action in layer if not isinstance(action, Head)]


def _directions(head: Head) -> dict[tuple[tuple[str, float], ...], Rows]:
    """The sources of a head without their factors; multiples of one another count as one."""
    unit = [rows / _leading(rows) for rows in head.value.values()]
    return {tuple(sorted(rows.terms.items())): rows for rows in unit}


def _leading(rows: Rows) -> float:
    return next(iter(rows.terms.values()))


def _size(stream: Stream, head: Head) -> int:
    """The rows that a head's matrices need."""
    return max(sum(map(stream.size, _directions(head).values())), stream.size(head.key))


def _matrices(stream: Stream, head: Head) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(V, K, Q, O) of a head.

    Sources that are multiples of one another share rows of V; their factors go into O.
    """
    starts: dict[tuple[tuple[str, float], ...], int] = {}
    values: list[Tensor] = []
    for direction, rows in _directions(head).items():
        starts[direction] = sum(map(len, values))
        values.append(stream.selector(rows))
    key, query = stream.selector(head.key), stream.selector(head.query)
    if key.shape != query.shape:
        raise ValueError(f"the head's key has {key.shape[0]} rows, its query has {query.shape[0]}")
    value = torch.cat(values)
    output = torch.zeros(stream.width, len(value), dtype=torch.float64)
    for target, rows in head.value.items():
        factor = _leading(rows)
        start, size = starts[tuple(sorted((rows / factor).terms.items()))], stream.size(rows)
        block = output[stream.slice(target), start : start + size]
        if block.shape[0] != block.shape[1]:
            found = f"its target {target!r} has {block.shape[0]}"
            raise ValueError(f"the head's value has {block.shape[1]} rows, {found}")
        block.fill_diagonal_(factor)
    return value, key, query, output


@torch.no_grad()
def _write(
    attention: Attention, start: int, value: Tensor, key: Tensor, query: Tensor, output: Tensor
) -> None:
    attention.value.weight[start : start + len(value)] = value
    attention.key.weight[start : start + len(key)] = key
    attention.query.weight[start : start + len(query)] = query
    attention.output.weight[:, start : start + output.shape[1]] = output


@torch.no_grad()
def _write_neurons(
    module: FeedForward, first: Tensor, bias: Tensor, second: Tensor, constant: Tensor
) -> None:
    module.first.weight[:], module.first.bias[:] = first, bias
    module.second.weight[:], module.second.bias[:] = second, constant
