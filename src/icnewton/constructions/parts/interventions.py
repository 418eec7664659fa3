"""Damped-Newton transformers with some gadgets made exact.

After the layer that writes a gadget's block, the block is overwritten with the exact values. The
gadgets are the error terms of App. C, with sqrt(d_i) in place of d_i:

    root         u_1        r_i = sqrt(d_i)
    product      U_2        b_i = r_i a_i
    inverse      E_2        X = H^{-1}, and the gradient's column H^{-1} grad f
    probability  eps_3      p_i = y_i sigma(-y_i z_i)
    damping      eps_4      e = eta(lambda^2) - 1
"""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

from icnewton.constructions.parts.gadgets import probability, root
from icnewton.constructions.parts.lean import lean
from icnewton.models.built_formats import LogisticStateFormat
from icnewton.models.model import Model

Blocks = Mapping[str, Tensor]
GADGETS = ("root", "product", "inverse", "probability", "damping")


@torch.no_grad()
def iterates(model: Model, x: Tensor, y: Tensor, exact: Collection[str] = ()) -> list[Tensor]:
    """w ``(batch, d)`` after steps 0, 1, ..., with the gadgets in ``exact`` made exact.

    Raises ValueError for models other than built logistic ones.
    """
    format = model.format
    if not isinstance(format, LogisticStateFormat):
        other = f"{model.card.kind} {model.card.family}"
        raise ValueError(f"expected a built logistic model, found {other}")
    format.check(x, y)
    tokens, stream, mu = format.tokens(x, y), format.stream, model.card["origin"]["mu"]
    per_step = model.card.layers_per_step or 1
    found = [format.read(tokens)]
    leans = {layer: lean(layer) for layer in set(model.transformer.applied)}
    for index, layer in enumerate(model.transformer.applied):
        tokens = leans[layer](tokens)
        for gadget in exact:
            position, block, replace = REPLACEMENTS[gadget]
            if index % per_step == position % per_step:
                tokens[..., stream.slice(block)] = replace(stream.unpack(tokens), mu)
        if (index + 1) % per_step == 0:
            found.append(format.read(tokens))
    return found


def _product(blocks: Blocks, mu: float) -> Tensor:
    return blocks["r"] * blocks["a"]


def _inverse(blocks: Blocks, mu: float) -> Tensor:
    d = blocks["I"].shape[-1]
    # the identity's columns, and the gradient at the marked token
    right = blocks["I"] + blocks["G"]
    return torch.linalg.solve(blocks["S"][..., :d, :], right.mT).mT


def _probability(blocks: Blocks, mu: float) -> Tensor:
    return probability(blocks["z"]) - 0.5 + blocks["y"] / 2


def _root(blocks: Blocks, mu: float) -> Tensor:
    return root(blocks["z"])


def _damping(blocks: Blocks, mu: float) -> Tensor:
    s = blocks["v"].clamp_min(0).sqrt()
    return -s / (2 * mu**0.5 + s)


# gadget -> (the layer of a step that writes it, as a Python index; its block; the exact function)
REPLACEMENTS: dict[str, tuple[int, str, Callable[[Blocks, float], Tensor]]] = {
    "root": (-1, "r", _root),
    "product": (1, "b", _product),
    "inverse": (-3, "X", _inverse),
    "probability": (-1, "p", _probability),
    "damping": (-2, "e", _damping),
}
