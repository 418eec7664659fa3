"""Transformers of random weights, and when tensors are near."""

import torch

from icnewton.models.transformer import Transformer
from icnewton.randomness import generator


def randomised(config, dtype, seed):
    transformer = Transformer(config, dtype)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.normal_(
                0, 0.5 * parameter.shape[-1] ** -0.5, generator=generator("weights", seed)
            )
            if parameter.ndim == 1:
                parameter.add_(0.5)
    return transformer


def assert_near(found, wanted, tolerance):
    """All alike, up to rounding of the largest: softmax's keys have biases of gradient zero."""
    found = list(found)
    wanted = [None if tensor is None else tensor.double() for tensor in wanted]
    precision = max(torch.finfo(tensor.dtype).eps for tensor in found if tensor is not None)
    rounding = 2 * precision * max(tensor.norm() for tensor in wanted if tensor is not None)
    for one, other in zip(found, wanted, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.double() - other).norm() <= tolerance * other.norm() + rounding + 1e-30
