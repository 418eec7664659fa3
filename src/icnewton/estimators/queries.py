"""Many queries of one prompt.

In the constructions of least squares the query's token adds nothing to any other: it is no key, or
its key meets a value that is zero there. So the examples pass the layers once, and every query
reads from the same examples.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.models.model import Model


@torch.no_grad()
def answers(model: Model, block: str, x: Tensor, y: Tensor, queries: Tensor) -> Tensor:
    """``(queries,)``: what a model of least squares answers to each query of one prompt.

    x is ``(n, d)``, y ``(n,)`` and queries ``(queries, d)``; ``block`` holds a query at its token.
    """
    format = model.format
    prompt = F.pad(x, (0, 0, 0, 1)).unsqueeze(0)  # with a query of zeros
    examples = format.tokens(prompt, y.unsqueeze(0))
    asked = format.stream.pack(1, len(queries), {block: queries.unsqueeze(0)})
    for layer in model.transformer.applied:
        received = layer.attention(examples, asked)
        examples, asked = layer(examples), layer.after_attention(asked + received)
    return format.read(asked.transpose(0, 1))
