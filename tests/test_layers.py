"""Each compiled layer has the outputs and the gradients of the layer that it stands for."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles.near import assert_near, randomised

from icnewton.models.config import TransformerConfig
from icnewton.models.transformer import Transformer
from icnewton.randomness import generator
from icnewton.training.fast import encoder, kernel, last, linear
from icnewton.training.fast.forward import answer

COMPILED = pytest.mark.skipif(kernel.compiled() is None, reason="no C compiler")


def not_at_the_clip(layer, stream, **kept):
    """Whether rounding cannot move an entry over the clip of a layer, where gradients jump."""
    clip, layer.clip = layer.clip, None
    values = layer(stream, **kept).detach()
    layer.clip = clip
    return away_from_the_clip(values, clip)


def away_from_the_clip(values, clip):
    return clip is None or bool(((values.abs() - clip).abs() > 1e-5).all())


@COMPILED
@settings(max_examples=50, deadline=None)
@given(
    tokens=st.integers(1, 60),
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
    tokens=st.integers(1, 60),
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
    tokens=st.integers(1, 60),
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


@COMPILED
@settings(max_examples=60, deadline=None)
@given(
    layers=st.integers(1, 3),
    inputs=st.integers(2, 12),
    seed=st.integers(0, 10**6),
    attention=st.sampled_from(["linear", "softmax"]),
    layer_norm=st.booleans(),
    query_as_key=st.booleans(),
    attention_bias=st.booleans(),
    end_bias=st.booleans(),
    hidden_width=st.sampled_from([0, 32]),
    clip=st.sampled_from([None, 1.0]),
)
def test_the_compiled_answer_is_that_of_the_transformer(layers, inputs, seed, **options):
    sizes = {"inputs": inputs, "outputs": 2, "scale": 0.05}
    config = TransformerConfig(32, layers, 2, 16, **sizes, **options)
    transformer = randomised(config, torch.float32, seed)
    tokens = torch.randn(9, 20, inputs, generator=generator("tokens", seed))
    found = answer(transformer, tokens)
    parameters = list(transformer.parameters())
    found_grads = torch.autograd.grad(found.square().sum(), parameters)
    transformer.double()
    unclipped = [layer(tokens) for layer, tokens in befores(transformer, tokens.double())]
    assume(all(away_from_the_clip(stream, config.clip) for stream in unclipped))
    wanted = transformer.answer(tokens.double())
    assert_near([found], [wanted], 1e-5)
    wanted_grads = torch.autograd.grad(wanted.square().sum(), list(transformer.parameters()))
    assert_near(found_grads, wanted_grads, 1e-4)


def befores(transformer, tokens):
    """The layers of a transformer without their clips, each with what it gets."""
    streams = [stream.detach() for stream in transformer.streams(tokens)]
    clips = [layer.clip for layer in transformer.applied]
    for layer, stream in zip(transformer.applied, streams, strict=False):
        layer.clip = None
        yield layer, stream
    for layer, clip in zip(transformer.applied, clips, strict=True):
        layer.clip = clip


@COMPILED
def test_an_entry_that_an_earlier_layer_cut_to_the_clip_still_has_its_gradient():
    """A found fault: where a layer adds less than rounding, such an entry stays at the clip."""
    config = TransformerConfig(32, 1, 2, 16, clip=1.0)
    layer = Transformer(config, torch.float32).layers[0]
    stream = torch.ones(3, 5, 32, requires_grad=True)
    for value in (linear.through(layer, stream), layer(stream)):
        assert torch.equal(torch.autograd.grad(value.sum(), stream)[0], torch.ones(3, 5, 32))


@COMPILED
def test_whole_numbers_may_stand_for_scale_and_clip():
    config = TransformerConfig(32, 3, 2, 16, scale=1, clip=10, inputs=4, outputs=1)
    transformer = randomised(config, torch.float32, 0)
    tokens = torch.randn(3, 6, 4, generator=generator("tokens"))
    wanted = transformer.answer(tokens)
    torch.testing.assert_close(answer(transformer, tokens), wanted, rtol=1e-4, atol=1e-5)


@COMPILED
def test_a_second_derivative_is_refused_and_the_tokens_gradient_is_right():
    config = TransformerConfig(32, 2, 2, 16, scale=0.1, layer_norm=True, inputs=4, outputs=1)
    transformer = randomised(config, torch.float32, 0)
    tokens = torch.randn(3, 6, 4, generator=generator("tokens")).requires_grad_()
    found, wanted = (
        torch.autograd.grad(value.sum(), tokens)[0]
        for value in (answer(transformer, tokens), transformer.answer(tokens))
    )
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    weight = transformer.layers[0].attention.query.weight
    value = answer(transformer, tokens.detach()).square().sum()
    (slope,) = torch.autograd.grad(value, weight, create_graph=True)
    with pytest.raises(RuntimeError, match="not have been used"):
        torch.autograd.grad(slope.square().sum(), weight)


@COMPILED
def test_the_number_of_threads_may_change_before_the_gradient():
    config = TransformerConfig(32, 3, 2, 16, scale=0.1, clip=2.0, inputs=4, outputs=1)
    transformer, threads = randomised(config, torch.float32, 0), torch.get_num_threads()
    tokens = torch.randn(200, 6, 4, generator=generator("tokens"))
    grads = []
    for before, after in ((2, 1), (1, 2), (1, 1)):
        torch.set_num_threads(before)
        value = answer(transformer, tokens).square().sum()
        torch.set_num_threads(after)
        grads.append(torch.autograd.grad(value, list(transformer.parameters())))
    torch.set_num_threads(threads)
    for one, other in zip(grads[0], grads[2], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
