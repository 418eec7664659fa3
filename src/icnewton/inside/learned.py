"""What can be said of layers whose weights nobody wrote: what their heads send to the answer.

The read-out is linear, so that the update of a head has a share in the answer: what the last token
receives from it, times the read-out. A LayerNorm before the read-out is left out of that.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.models.transformer import Layer, Transformer

DIRECTIONS = 8


@dataclass(frozen=True)
class Share:
    """What a part of a layer adds to the last token.

    title: of the part. size: the norm of its update. answer: what the update is to the answer,
    ``(outputs,)``.
    """

    title: str
    size: float
    answer: Tensor


def shares(transformer: Transformer, layer: Layer, stream: Tensor) -> list[Share]:
    """Those of the heads and of the feed-forward network of a layer, for ``(1, tokens, width)``."""
    normed = layer.norms[0](stream) if layer.norms else stream
    attention = layer.attention
    config = attention.config
    weights = _attended(layer, normed)
    context = normed if config.query_as_key else normed[:, :-1]
    values = _split(attention.value(context), config.heads)  # (heads, tokens, head_dim)
    received = (weights.unsqueeze(1) @ values).squeeze(1)  # (heads, head_dim)
    maps = attention.output.weight.unflatten(1, (config.heads, config.head_dim))
    updates = torch.einsum("whk,hk->hw", maps, received)
    found = [
        _share(transformer, f"head {index}", update)
        for index, update in enumerate(updates, start=1)
    ]
    if layer.feed_forward is not None:
        middle = stream + attention(normed, normed)
        network = layer.feed_forward(layer.norms[1](middle) if layer.norms else middle)
        neurons = layer.feed_forward.first.out_features
        found.append(_share(transformer, f"{neurons} neurons", network[0, -1]))
    return found


def _share(transformer: Transformer, title: str, update: Tensor) -> Share:
    weight = getattr(transformer.readout, "weight", None)
    answer = update if weight is None else weight @ update
    return Share(title, update.norm().item(), answer)


def _attended(layer: Layer, normed: Tensor) -> Tensor:
    """How much the last token attends to each, ``(heads, tokens)``."""
    attention, config = layer.attention, layer.attention.config
    context = normed if config.query_as_key else normed[:, :-1]
    queries = _split(attention.query(normed[:, -1:]), config.heads)
    keys = _split(attention.key(context), config.heads)
    logits = config.scale * (queries @ keys.mT).squeeze(1)
    return torch.softmax(logits, -1) if config.attention == "softmax" else logits


def _split(rows: Tensor, heads: int) -> Tensor:
    return rows[0].unflatten(-1, (heads, -1)).transpose(0, 1)


def views(transformer: Transformer, streams: list[Tensor]) -> dict[str, list[Tensor]]:
    """A stream without named blocks in honest forms, ``(1, tokens, rows)`` after each layer.

    They are the read-out at every token, how much the last token attended to each in every head of
    the layer, the parts along the principal directions of all tokens after all layers (uncentred),
    and the raw coordinates.
    """
    rows = torch.cat(streams, 1)[0]
    directions = torch.linalg.svd(rows, full_matrices=False).Vh[:DIRECTIONS]
    return {
        "read-out": [transformer.read(stream) for stream in streams],
        "attention of the last token": _attention(transformer, streams),
        "principal directions": [stream @ directions.T for stream in streams],
        "coordinates": streams,
    }


def _attention(transformer: Transformer, streams: list[Tensor]) -> list[Tensor]:
    """``(1, tokens, heads)`` for each layer; zero before the first, and for what is no key."""
    tokens = streams[0].shape[1]
    found = [streams[0].new_zeros(1, tokens, transformer.config.heads)]
    for layer, stream in zip(transformer.applied, streams[:-1], strict=True):
        weights = _attended(layer, layer.norms[0](stream) if layer.norms else stream)
        found.append(F.pad(weights.T, (0, 0, 0, tokens - weights.shape[1])).unsqueeze(0))
    return found
