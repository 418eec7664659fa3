"""The one transformer: against a token-by-token reading of the paper's formula, and its options."""

import pytest
import torch
from torch.nn import functional as F

from icnewton.models.config import TransformerConfig
from icnewton.models.transformer import Transformer
from icnewton.randomness import generator


def randomised(config, seed=0):
    transformer = Transformer(config)
    source = generator("weights", seed)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.normal_(0, 0.5, generator=source)
    return transformer


def tokens(batch=2, count=5, width=6):
    return torch.randn(batch, count, width, generator=generator("tokens"), dtype=torch.float64)


def by_the_formula(transformer, H):
    """Sec. 3.1 with tokens as columns, one head and one column at a time."""
    config = transformer.config
    for layer in transformer.layers:
        update = torch.zeros_like(H)
        for h in range(config.heads):
            rows = slice(h * config.head_dim, (h + 1) * config.head_dim)
            attention = layer.attention
            V, K, Q = (
                m.weight[rows] @ H for m in (attention.value, attention.key, attention.query)
            )
            update += attention.output.weight[:, rows] @ V @ K.mT @ Q * config.scale
        H = H + update
        if layer.feed_forward is not None:
            first, second = layer.feed_forward.first, layer.feed_forward.second
            hidden = torch.relu(first.weight @ H + first.bias.unsqueeze(-1))
            H = H + second.weight @ hidden + second.bias.unsqueeze(-1)
    return H


@pytest.mark.parametrize("hidden", [0, 7])
def test_linear_attention_is_the_papers_formula(hidden):
    transformer = randomised(
        TransformerConfig(width=6, depth=3, heads=2, head_dim=4, hidden_width=hidden, scale=0.1)
    )
    H = tokens()
    torch.testing.assert_close(transformer(H), by_the_formula(transformer, H.mT).mT)


def test_fresh_weights_are_the_identity():
    H = tokens()
    for options in ({}, {"hidden_width": 5}, {"attention": "softmax"}, {"layer_norm": True}):
        assert torch.equal(Transformer(TransformerConfig(6, 2, 2, 3, **options))(H), H)


def test_softmax_attention():
    transformer = randomised(
        TransformerConfig(width=6, depth=1, heads=1, head_dim=4, attention="softmax", scale=0.5)
    )
    H, layer = tokens(), transformer.layers[0].attention
    weights = F.softmax(0.5 * layer.query(H) @ layer.key(H).mT, -1)
    torch.testing.assert_close(transformer(H), H + layer.output(weights @ layer.value(H)))


def test_permuting_examples_changes_nothing_at_the_query():
    H = tokens()
    permuted = H[:, [2, 0, 3, 1, 4]]
    for options in ({}, {"attention": "softmax"}, {"layer_norm": True}, {"query_as_key": False}):
        transformer = randomised(TransformerConfig(6, 2, 2, 3, **options))
        torch.testing.assert_close(transformer(H)[:, -1], transformer(permuted)[:, -1])


def test_without_the_query_as_key_linear_attention_is_linear_in_the_query():
    H, other = tokens(), tokens()
    other[:, -1] *= 1e3
    masked = randomised(TransformerConfig(6, 3, 2, 3, scale=0.1, query_as_key=False))
    torch.testing.assert_close(masked(other)[:, -1], 1e3 * masked(H)[:, -1])
    plain = randomised(TransformerConfig(6, 3, 2, 3, scale=0.1))
    assert not torch.allclose(plain(other)[:, -1], 1e3 * plain(H)[:, -1])


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_answer_is_the_last_token(depth):
    for options in (
        {},
        {"attention": "softmax", "hidden_width": 5},
        {"layer_norm": True},
        {"query_as_key": False},
    ):
        transformer = randomised(TransformerConfig(6, depth, 2, 3, outputs=2, scale=0.1, **options))
        torch.testing.assert_close(transformer.answer(tokens()), transformer(tokens())[:, -1:])


def test_clip_bounds_every_layer():
    transformer = randomised(TransformerConfig(6, 3, 2, 3, clip=0.7))
    assert all(stream.abs().max() <= 0.7 for stream in transformer.trace(tokens())[1:])


def test_trace_has_every_residual_stream():
    transformer = randomised(TransformerConfig(8, 3, 2, 3, inputs=6, outputs=1))
    streams = transformer.trace(tokens())
    assert [tuple(stream.shape) for stream in streams] == [(2, 5, 8)] * 4
    torch.testing.assert_close(transformer.readout(streams[-1]), transformer(tokens()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "width must be at least 1, found 0"),
        ({"depth": -1}, "depth must be at least 0"),
        ({"attention": "cosine"}, "attention must be"),
        ({"activation": "tanh"}, "activation must be one of"),
        ({"clip": 0.0}, "clip must be positive"),
    ],
)
def test_bad_shapes_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        TransformerConfig(**{"width": 4, "depth": 1, "heads": 1, "head_dim": 2, **options})
