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
- **Layers between** run compiled where that is possible (``linear.py``, ``encoder.py``), and as
  they are otherwise.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from icnewton.models.config import TransformerConfig
from icnewton.models.transformer import Layer, Transformer
from icnewton.training.fast import encoder, linear
from icnewton.training.fast import first as compiled_first
from icnewton.training.fast import last as compiled_last


def answer(transformer: Transformer, tokens: Tensor) -> Tensor:
    """``transformer.answer(tokens)``, ``(batch, 1, outputs)``, in exact arithmetic.

    tokens: ``(batch, n + 1, inputs)``.
    """
    layers, embedding = transformer.applied, transformer.embedding
    if not layers or not isinstance(embedding, nn.Linear):
        return transformer.answer(tokens)
    *inner, last = layers
    is_affine = transformer.positions is None
    if is_affine and not inner:
        z, E = _affine_tokens(transformer.config, embedding, tokens)
        coordinates, B = _coordinates(last, E, z)
        attended = _last(last, z[:, -1] @ E.T, coordinates, B)
        return transformer.read(last.after_attention(attended))
    if is_affine and transformer.config.attention == "linear":
        first, *inner = inner
        z, E = _affine_tokens(transformer.config, embedding, tokens)
        stream = _first(first, E, z)
    else:
        stream = transformer.embedded(tokens)
    for layer in inner:
        stream = _through(layer, stream)
    return transformer.read(last.after_attention(_at_query(last, stream)))


def _through(layer: Layer, stream: Tensor) -> Tensor:
    """The next stream of a layer, compiled where that is possible."""
    for way in (linear, encoder):
        if way.fuses(layer, stream):
            return way.through(layer, stream)
    return layer(stream)


def _at_query(layer: Layer, stream: Tensor) -> Tensor:
    """The query plus what it receives, ``(batch, 1, width)``, compiled where that is possible."""
    if compiled_last.fuses(layer, stream):
        return compiled_last.through(layer, stream)
    query, normed = (stream[:, -1], layer.norms[0](stream)) if layer.norms else (None, stream)
    return _last(layer, query, normed)


def _affine_tokens(
    config: TransformerConfig, embedding: nn.Linear, tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """z ``(batch, n + 1, inputs)`` and E ``(width, inputs)`` such that tokens are embedded as E z.

    Where there are biases, z has a last entry 1, and E a column for it.
    """
    E: Tensor = embedding.weight
    if not (config.end_bias or config.attention_bias):
        return tokens, E
    bias = torch.zeros_like(E[:, 0]) if embedding.bias is None else embedding.bias
    return F.pad(tokens, (0, 1), value=1.0), torch.cat([E, bias.unsqueeze(1)], 1)


def _coordinates(layer: Layer, E: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """c_i ``(batch, n + 1, r)`` and B ``(width, r)``.

    The layer's attention sees B c_i of token E z_i. Where it has biases, c_i ends with 1.
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


def _biases(layer: Layer) -> list[Tensor] | None:
    """Those of Q, K and V ``(heads, head_dim)``, if there are any, the scale in the first."""
    attention, config = layer.attention, layer.attention.config
    if not config.attention_bias:
        return None
    shape = (config.heads, config.head_dim)
    q, k, v = (m.bias.view(shape) for m in (attention.query, attention.key, attention.value))
    return [config.scale * q, k, v]


def _seen(layer: Layer, B: Tensor) -> list[Tensor]:
    """Q, K and V ``(heads, head_dim, r)`` as maps of c_i, whose last entry 1 carries the biases."""
    maps, biases = [m @ B for m in _by_head(layer)[:3]], _biases(layer)
    if biases is None:
        return maps
    return [_add_to_last_column(m, bias) for m, bias in zip(maps, biases, strict=True)]


def _add_to_last_column(matrix: Tensor, column: Tensor | None) -> Tensor:
    if column is None:
        return matrix
    return torch.cat([matrix[..., :-1], matrix[..., -1:] + column.unsqueeze(-1)], -1)


def _split(layer: Layer, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """The tokens that the layer attends to, and the query ``(batch, .)``."""
    examples, query = tokens.split([tokens.shape[1] - 1, 1], 1)
    return (tokens if layer.attention.config.query_as_key else examples), query.squeeze(1)


def _first(layer: Layer, E: Tensor, tokens: Tensor) -> Tensor:
    """The stream ``(batch, n + 1, width)`` after the first layer, compiled where possible."""
    coordinates, B = _coordinates(layer, E, tokens)
    context, _ = _split(layer, coordinates)
    (q, k, _), (*_, v, o) = _seen(layer, B), _by_head(layer)
    # (heads, r, r): token i's logit for token j is c_i^T logits_h c_j
    logits = q.mT @ k
    values = B.T @ (v.mT @ o.mT)  # (heads, r, width)
    if biases := _biases(layer):
        values = _add_to_last_column(values.mT, (o @ biases[2].unsqueeze(-1)).squeeze(-1)).mT
    kept = _add_to_last_column(E, layer.attention.output.bias).T  # the residual, with its bias
    if compiled_first.fuses(tokens, logits, values):
        residual, clip = (tokens if layer.norms else None), layer.clip
        is_whole, maps = layer.feed_forward is None, (logits, values, kept)
        bound = clip if is_whole else None
        out = compiled_first.through(coordinates, residual, *maps, context.shape[1], bound)
        return out if is_whole else layer.after_attention(out)
    seen = (context.mT @ context) @ logits.flatten(0, 1).T  # (batch, r, heads r), columns (h, i)
    seen = seen.unflatten(-1, logits.shape[:2]).permute(0, 3, 2, 1)  # (batch, i, h, j)
    if layer.norms:
        mixed = seen.flatten(2) @ values.flatten(0, 1)
        return layer.after_attention(torch.baddbmm(tokens @ kept, coordinates, mixed))
    identity = torch.eye(len(B.T), dtype=B.dtype, device=B.device)
    unit = identity.unsqueeze(1).expand(len(tokens), -1, 1, -1)
    both = torch.cat([values.flatten(0, 1), kept])
    return layer.after_attention(tokens @ (torch.cat([seen, unit], 2).flatten(2) @ both))


def _last(layer: Layer, query: Tensor | None, normed: Tensor, B: Tensor | None = None) -> Tensor:
    """The query plus attention to the normed tokens, or to B times them, ``(batch, 1, width)``.

    query: ``(batch, width)``; where nothing is normed it is the last token, and may be None.
    """
    context, position = _split(layer, normed)
    query = position if query is None else query
    q, k, v, o = _by_head(layer)
    biases = _biases(layer) if B is None else None
    if B is not None:
        q, k, v = _seen(layer, B)
    # (heads, batch, head_dim)
    queries = (position @ q.flatten(0, 1).T).unflatten(-1, q.shape[:2]).transpose(0, 1)
    if biases is not None:
        queries = queries + biases[0].unsqueeze(1)
    weights = context @ (queries @ k).permute(1, 2, 0)  # (batch, n, heads)
    if biases is not None:
        weights = weights + (queries @ biases[1].unsqueeze(-1)).permute(1, 2, 0)
    if layer.attention.config.attention == "softmax":
        weights = torch.softmax(weights, 1)
    averages = (weights.mT @ context).transpose(0, 1)  # (heads, batch, .)
    values = averages @ v.mT
    if biases is not None:
        values = values + weights.sum(1).T.unsqueeze(-1) * biases[2].unsqueeze(1)
    received = (values @ o.mT).sum(0)
    if layer.attention.output.bias is not None:
        received = received + layer.attention.output.bias
    return (query + received).unsqueeze(1)
