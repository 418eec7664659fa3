"""A transformer's answer at its query token, for less arithmetic than ``answer`` takes.

The gradient of a loss is cheaper with it. Matrix products are associative, so what a layer does to
tokens is cheap where they are not yet, or no longer, arbitrary:

- **The first layer** acts on embedded tokens E z_i with z_i of few entries. Normed or not, its
  input is B c_i with c_i = z_i, or (z_i / s_i, 1) where LayerNorm divides by s_i. Linear attention
  then adds P c_i to token i for one small matrix of the prompt,

      P = sum_h O_h V_h B (sum_j c_j c_j^T) B^T K_h^T Q_h B,

  so that no query, key or value is ever formed.
- **The last layer** is needed at the query alone. The logit of token j is x_j . (K_h^T q_h), and
  tokens are averaged before values are made of them. So no key and no value is formed here either;
  softmax attention allows this too.
- **Layers between** run compiled where that is possible (``fused.py``), and otherwise as they are.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icnewton.models.transformer import Layer, Transformer
from icnewton.training.fast.fused import attend, fuses


def answer(transformer: Transformer, tokens: Tensor) -> Tensor:
    """``transformer.answer(tokens)``, ``(batch, 1, outputs)``, in exact arithmetic.

    tokens: ``(batch, n + 1, inputs)``.
    """
    layers, embedding = transformer.applied, transformer.embedding
    if not layers or not isinstance(embedding, nn.Linear):
        return transformer.answer(tokens)
    E: Tensor = embedding.weight
    *inner, last = layers
    if not inner:
        coordinates, B = _coordinates(last, E, tokens)
        attended = _last(last, tokens[:, -1] @ E.T, coordinates, B)
        return transformer.readout(last.after_attention(attended))
    if transformer.config.attention == "linear":
        stream = inner[0].after_attention(_first(inner[0], E, tokens))
    else:
        stream = inner[0](embedding(tokens))
    for layer in inner[1:]:
        if fuses(layer, stream):
            stream = layer.after_attention(attend(layer, stream))
        else:
            stream = layer(stream)
    query, normed = (stream[:, -1], last.norms[0](stream)) if last.norms else (None, stream)
    return transformer.readout(last.after_attention(_last(last, query, normed)))


def _coordinates(layer: Layer, E: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """c_i ``(batch, n + 1, r)`` and B ``(width, r)``.

    The layer's attention sees B c_i of token E z_i.
    """
    if not layer.norms:
        return tokens, E
    norm = cast(nn.LayerNorm, layer.norms[0])
    centred = E - E.mean(0)
    variance = ((tokens @ (centred.T @ centred / len(E))) * tokens).sum(-1, keepdim=True)
    coordinates = F.pad(tokens * torch.rsqrt(variance + norm.eps), (0, 1), value=1.0)
    return coordinates, torch.cat([norm.weight.unsqueeze(1) * centred, norm.bias.unsqueeze(1)], 1)


def _by_head(layer: Layer) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Q, K and V ``(heads, head_dim, width)``, and O ``(heads, width, head_dim)``.

    The scale of the attention is in Q.
    """
    attention, config = layer.attention, layer.attention.config
    shape = (config.heads, config.head_dim)
    maps = (attention.query, attention.key, attention.value)
    q, k, v = (m.weight.unflatten(0, shape) for m in maps)
    return config.scale * q, k, v, attention.output.weight.unflatten(1, shape).transpose(0, 1)


def _split(layer: Layer, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """The tokens that the layer attends to, and the query ``(batch, .)``."""
    examples, query = tokens.split([tokens.shape[1] - 1, 1], 1)
    return (tokens if layer.attention.config.query_as_key else examples), query.squeeze(1)


def _first(layer: Layer, E: Tensor, tokens: Tensor) -> Tensor:
    """The embedded tokens plus linear attention to them, ``(batch, n + 1, width)``."""
    coordinates, B = _coordinates(layer, E, tokens)
    context, _ = _split(layer, coordinates)
    q, k, v, o = _by_head(layer)
    # (heads, r, r): token i's logit for token j is c_i^T logits_h c_j
    logits = (B.T @ q.mT) @ (k @ B)
    values = B.T @ (v.mT @ o.mT)  # (heads, r, width)
    seen = (context.mT @ context) @ logits.flatten(0, 1).T  # (batch, r, heads r), columns (h, i)
    seen = seen.unflatten(-1, logits.shape[:2]).permute(0, 3, 2, 1)  # (batch, i, h, j)
    if layer.norms:
        return torch.baddbmm(tokens @ E.T, coordinates, seen.flatten(2) @ values.flatten(0, 1))
    identity = torch.eye(len(B.T), dtype=B.dtype, device=B.device)
    unit = identity.unsqueeze(1).expand(len(tokens), -1, 1, -1)
    return tokens @ (torch.cat([seen, unit], 2).flatten(2) @ torch.cat([values.flatten(0, 1), E.T]))


def _last(layer: Layer, query: Tensor | None, normed: Tensor, B: Tensor | None = None) -> Tensor:
    """The query plus attention to the normed tokens, or to B times them, ``(batch, 1, width)``.

    query: ``(batch, width)``; where nothing is normed it is the last token, and may be None.
    """
    context, position = _split(layer, normed)
    query = position if query is None else query
    q, k, v, o = _by_head(layer)
    if B is not None:
        q, k, v = q @ B, k @ B, v @ B
    # (heads, batch, head_dim)
    queries = (position @ q.flatten(0, 1).T).unflatten(-1, q.shape[:2]).transpose(0, 1)
    weights = context @ (queries @ k).permute(1, 2, 0)  # (batch, n, heads)
    if layer.attention.config.attention == "softmax":
        weights = torch.softmax(weights, 1)
    averages = (weights.mT @ context).transpose(0, 1)  # (heads, batch, .)
    return (query + ((averages @ v.mT) @ o.mT).sum(0)).unsqueeze(1)
