"""Heads by their action, compiled to the weights of the ordinary transformer.

A linear-attention head is trilinear, (value)(key)^T(query), so it is stated as the proof states it:

    Head(value={"X": -X}, key=S, query=X)        # X <- X - X S^T X
    Head(value={"X": 2 * X}, key=I, query=I)     # X <- X + 2 X

where X, S, I are ``Rows`` of the named stream. The sum over tokens is the matrix product: with the identity in block I
of the first d tokens, products, transposes and copies of d x d blocks are heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from icnewton.stream import Rows, Stream
from icnewton.transformer import Attention, Layer, Transformer, TransformerConfig


@dataclass(frozen=True)
class Head:
    """Adds (value)(key)^T(query) to each target block; ``value`` maps a target block to the rows that go there."""

    value: Mapping[str, Rows]
    key: Rows
    query: Rows


def compile_heads(stream: Stream, layers: Sequence[Sequence[Head]]) -> Transformer:
    """The float64 transformer of linear attention alone whose layers have these heads, exactly."""
    compiled = [[_matrices(stream, head) for head in layer] for layer in layers]
    dims = [matrix.shape[0] for layer in compiled for value, key, _, _ in layer for matrix in (value, key)]
    config = TransformerConfig(
        width=stream.width,
        depth=len(layers),
        heads=max((len(layer) for layer in layers), default=1),
        head_dim=max(dims, default=1),
    )
    transformer = Transformer(config, torch.float64)
    for module, layer in zip(cast(list[Layer], list(transformer.layers)), compiled, strict=True):
        for index, matrices in enumerate(layer):
            _write(module.attention, index * config.head_dim, *matrices)
    return transformer


def _matrices(stream: Stream, head: Head) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(V, K, Q, O): sources that are multiples of one another share the rows of V, their factors go into O."""
    values: list[Tensor] = []
    factors: list[tuple[str, int, float]] = []
    for target, rows in head.value.items():
        leading = next(iter(rows.terms.values()))
        direction = stream.selector(rows / leading)
        index = next((i for i, known in enumerate(values) if torch.equal(known, direction)), len(values))
        values[index:] = values[index:] or [direction]
        factors.append((target, index, leading))
    starts = [sum(len(v) for v in values[:i]) for i in range(len(values))]
    output = torch.zeros(stream.width, sum(map(len, values)), dtype=torch.float64)
    for target, index, factor in factors:
        block = output[stream.slice(target), starts[index] : starts[index] + len(values[index])]
        if block.shape[0] != block.shape[1]:
            raise ValueError(f"the head's value has {block.shape[1]} rows, its target {target!r} has {block.shape[0]}")
        block.fill_diagonal_(factor)
    return torch.cat(values), stream.selector(head.key), stream.selector(head.query), output


@torch.no_grad()
def _write(attention: Attention, start: int, value: Tensor, key: Tensor, query: Tensor, output: Tensor) -> None:
    attention.value.weight[start : start + len(value)] = value
    attention.key.weight[start : start + len(key)] = key
    attention.query.weight[start : start + len(query)] = query
    attention.output.weight[:, start : start + output.shape[1]] = output
