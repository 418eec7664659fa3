"""A built layer by as little arithmetic as its zeros allow, to evaluate it on many prompts.

A gadget's network reads a row or two of a stream of dozens, through thousands of neurons, and
writes as few. All other entries of its matrices are zero.
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from icnewton.models.transformer import FeedForward, Layer

NEURONS = 2**16  # at once, which fit the cache


def lean(layer: Layer) -> Callable[[Tensor], Tensor]:
    """What the layer does to ``(batch, tokens, width)``, up to rounding, for a layer without
    LayerNorm or clip.
    """
    network = layer.feed_forward
    if network is None or layer.norms or layer.clip is not None:
        return layer
    update = _without_zeros(network)

    def through(tokens: Tensor) -> Tensor:
        stream = tokens + layer.attention(tokens, tokens)
        neurons = tokens.shape[1] * network.first.out_features
        for part in stream.split(max(NEURONS // neurons, 1)):
            update(part)
        return stream

    return through


def _without_zeros(network: FeedForward) -> Callable[[Tensor], None]:
    """A function that adds the network's update in place."""
    first, second = network.first, network.second
    read = first.weight.any(0).nonzero().squeeze(1)
    written = (second.weight.any(1) | (second.bias != 0)).nonzero().squeeze(1)
    A, B, b = first.weight[:, read], second.weight[written], second.bias[written]

    def update(stream: Tensor) -> None:
        hidden = network.activation(F.linear(stream[..., read], A, first.bias))
        stream[..., written] += F.linear(hidden, B, b)

    return update
