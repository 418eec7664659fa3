"""Each compiled layer has the outputs and the gradients of the layer that it stands for."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles.near import assert_near, randomised

from icnewton.models.config import TransformerConfig
from icnewton.randomness import generator
from icnewton.training.fast import encoder, kernel, last, linear

COMPILED = pytest.mark.skipif(kernel.compiled() is None, reason="no C compiler")


def not_at_the_clip(layer, stream, **kept):
    """Whether rounding cannot move an entry over the clip, where gradients jump."""
    clip, layer.clip = layer.clip, None
    values = layer(stream, **kept).detach().abs()
    layer.clip = clip
    return clip is None or bool(((values - clip).abs() > 1e-5).all())


@COMPILED
@settings(max_examples=50, deadline=None)
@given(
    tokens=st.integers(2, 60),
    widths=st.sampled_from([(32, 16), (64, 16), (64, 32)]),
    seed=st.integers(0, 10**6),
    layer_norm=st.booleans(),
    query_as_key=st.booleans(),
    attention_bias=st.booleans(),
    clip=st.sampled_from([None, 1.0]),
    hidden_width=st.sampled_from([0, 5]),
)
def test_the_compiled_layer_is_the_layer(tokens, widths, seed, **options):
    width, head_dim = widths
    config = TransformerConfig(width, 1, width // head_dim, head_dim, scale=1 / tokens, **options)
    layer = randomised(config, torch.float32, seed).layers[0]
    assert_compiled(linear, layer, tokens, seed)


@COMPILED
@settings(max_examples=50, deadline=None)
@given(
    tokens=st.integers(2, 60),
    widths=st.sampled_from([(32, 8, 128), (64, 16, 96), (64, 32, 256), (16, 8, 32)]),
    seed=st.integers(0, 10**6),
    attention_bias=st.booleans(),
    activation=st.sampled_from(["relu", "gelu"]),
    scale=st.sampled_from([0.1, 1.0]),
)
def test_the_compiled_block_is_the_layer(tokens, widths, seed, **options):
    width, head_dim, hidden = widths
    config = TransformerConfig(
        width, 1, width // head_dim, head_dim, hidden, "softmax", layer_norm=True, **options
    )
    layer = randomised(config, torch.float32, seed).layers[0]
    assert_compiled(encoder, layer, tokens, seed)


@COMPILED
@settings(max_examples=60, deadline=None)
@given(
    tokens=st.integers(2, 60),
    widths=st.sampled_from([(32, 8), (64, 16), (64, 32), (16, 8)]),
    seed=st.integers(0, 10**6),
    attention=st.sampled_from(["linear", "softmax"]),
    layer_norm=st.booleans(),
    query_as_key=st.booleans(),
    attention_bias=st.booleans(),
)
def test_the_compiled_last_attention_is_the_layer_at_the_query(tokens, widths, seed, **options):
    width, head_dim = widths
    config = TransformerConfig(width, 1, width // head_dim, head_dim, scale=1 / tokens, **options)
    layer = randomised(config, torch.float32, seed).layers[0]
    assert_compiled(last, layer, tokens, seed, query_only=True)


def assert_compiled(way, layer, tokens, seed, **kept):
    """The compiled layer has the outputs and gradients of the layer in float64."""
    width = layer.attention.config.width
    stream = torch.randn(5, tokens, width, generator=generator("stream", seed)).requires_grad_()
    assume(not_at_the_clip(layer, stream, **kept))
    assert way.fuses(layer, stream)
    weight = torch.randn(layer(stream, **kept).shape, generator=generator("weight", seed))
    inputs = [stream, *layer.parameters()]
    found = way.through(layer, stream)
    found_grads = torch.autograd.grad((found * weight).sum(), inputs)
    layer.double()
    inputs = [stream.detach().double().requires_grad_(), *layer.parameters()]
    wanted = layer(inputs[0], **kept)
    assert_near([found], [wanted], 1e-5)
    assert_near(found_grads, torch.autograd.grad((wanted * weight).sum(), inputs), 1e-5)


@COMPILED
def test_the_compiled_layer_does_not_depend_on_the_number_of_threads():
    config = TransformerConfig(64, 1, 4, 16, scale=0.1, layer_norm=True)
    layer, threads = randomised(config, torch.float32, 0).layers[0], torch.get_num_threads()
    stream = torch.randn(200, 20, 64, generator=generator("stream")).requires_grad_()
    results = []
    for count in (1, 2):
        torch.set_num_threads(count)
        value = linear.through(layer, stream)
        grads = torch.autograd.grad(value.sum(1).sin().sum(), [stream, *layer.parameters()])
        results.append([value, *grads])
    torch.set_num_threads(threads)
    assert all(map(torch.equal, *results))
