"""The fast training step computes what the plain one computes: the same answers, gradients, distributions and runs."""

import math
import platform
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from bench.plain import Plain, plain_step
from bench.run import make_run
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from icnewton.classification import LogisticCondition
from icnewton.experiment import parse_run
from icnewton.prompts import Condition, generator, sample
from icnewton.training import engine, fused
from icnewton.training.capture import Recording
from icnewton.training.engine import advance, descend, draw, gradient, squared_errors, start
from icnewton.training.forward import answer
from icnewton.training.gram import bartlett, condense, sample_condensed
from icnewton.training.loop import train_together
from icnewton.training.optimizers import Muon, polar_factor
from icnewton.training.together import advance_together, stackable
from icnewton.training.together import gradients as stacked_gradients
from icnewton.transformer import Transformer, TransformerConfig

COMPILED = pytest.mark.skipif(fused.compiled() is None, reason="no C compiler")


def randomised(config, dtype, seed):
    transformer = Transformer(config, dtype)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.normal_(0, 0.5 * parameter.shape[-1] ** -0.5, generator=generator("weights", seed))
            if parameter.ndim == 1:
                parameter.add_(0.5)
    return transformer


def derivatives(value, transformer):
    return torch.autograd.grad(value.square().sum(), list(transformer.parameters()), allow_unused=True)


def assert_near(found, wanted, tolerance):
    for one, other in zip(found, wanted, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.double() - other.double()).norm() <= tolerance * other.double().norm() + 1e-30


@settings(max_examples=60, deadline=None)
@given(
    layers=st.integers(0, 4),
    heads=st.integers(1, 3),
    attention=st.sampled_from(["linear", "softmax"]),
    layer_norm=st.booleans(),
    query_as_key=st.booleans(),
    hidden_width=st.sampled_from([0, 5]),
    clip=st.sampled_from([None, 1.0]),
    loops=st.integers(1, 2),
    seed=st.integers(0, 10**6),
)
def test_the_answer_is_that_of_the_transformer(layers, heads, loops, seed, **options):
    config = TransformerConfig(
        6, layers, heads, 4, scale=0.3, activation="gelu", inputs=3, outputs=2, loops=loops if layers else 1, **options
    )
    transformer = randomised(config, torch.float64, seed)
    tokens = torch.randn(4, 7, 3, dtype=torch.float64, generator=generator("tokens", seed))
    fast, plain = answer(transformer, tokens), transformer.answer(tokens)
    torch.testing.assert_close(fast, plain, rtol=1e-10, atol=1e-12)
    assert_near(derivatives(fast, transformer), derivatives(plain, transformer), 1e-9)


@COMPILED
@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.sampled_from([(32, 16), (64, 16), (64, 32)]), st.booleans(), st.booleans(), st.integers(0, 10**6))
def test_the_compiled_layer_is_the_layer(tokens, widths, layer_norm, query_as_key, seed):
    width, head_dim = widths
    config = TransformerConfig(width, 1, width // head_dim, head_dim, scale=1 / tokens, layer_norm=layer_norm)
    config = replace(config, query_as_key=query_as_key)
    layer = randomised(config, torch.float32, seed).layers[0]
    stream = torch.randn(5, tokens, width, generator=generator("stream", seed)).requires_grad_()
    assert fused.fuses(layer, stream)
    weight = torch.randn(5, tokens, width, generator=generator("weight", seed))
    inputs = [stream, *layer.parameters()]
    found = fused.attend(layer, stream)
    found_grads = torch.autograd.grad((found * weight).sum(), inputs)
    layer.double()
    inputs = [stream.detach().double().requires_grad_(), *layer.parameters()]
    wanted = layer(inputs[0])
    assert_near([found], [wanted], 1e-5)
    assert_near(found_grads, torch.autograd.grad((wanted * weight).sum(), inputs), 1e-5)


@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_gradients_of_a_batch_are_those_of_the_plain_step(kind, layers, monkeypatch):
    monkeypatch.setattr(engine, "MICRO_BATCH", 250)
    run = make_run(kind, layers, batch=600)
    state, plain = start(run, "cpu"), Plain(run).double()
    tokens, target = token_batch(run, 600)
    short = condense(tokens) if kind == "lsa" else tokens
    value = gradient(run, state.transformer, short.float(), target.float())
    wanted = (run.format.read(plain(tokens)[:, -1:]) - target).square().mean()
    wanted.backward()
    assert float(value) == pytest.approx(wanted.item(), rel=1e-5)
    found = {name: parameter.grad for name, parameter in state.transformer.named_parameters()}
    names = [plain_name for plain_name, _ in plain.named_parameters()]
    ours = dict(zip([plain_to_ours(name) for name in names], plain.parameters(), strict=True))
    assert found.keys() == ours.keys()
    assert_near(found.values(), [ours[name].grad for name in found], 1e-5)


def token_batch(run, batch):
    """Tokens and targets of ordinary prompts in float64."""
    if isinstance(run.condition, LogisticCondition):
        from icnewton.classification import sample_logistic

        prompts = sample_logistic(run.condition, 1, batch, generator("batch"))
    else:
        prompts = sample(run.condition, 1, batch, generator("batch"))
    return run.format.tokens(prompts.x, prompts.y), prompts.target


def plain_to_ours(name):
    for plain, ours in {
        "network.0": "feed_forward.first",
        "network.2": "feed_forward.second",
        "first_norm": "norms.0",
        "second_norm": "norms.1",
    }.items():
        name = name.replace(plain, ours)
    parts = name.split(".")
    if parts[0] == "blocks":
        parts[0] = "layers"
        if parts[2] in ("query", "key", "value", "output"):
            parts.insert(2, "attention")
    return ".".join(parts)


@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
def test_two_hundred_steps_end_where_the_plain_ones_end(kind, monkeypatch):
    """From the same weights and the same prompts; the fast path may only round differently."""
    run = make_run(kind, 3, batch=32)
    state, plain = start(run, "cpu"), plain_step(run)

    def same_prompts(run, state):
        source = generator("training", run.layers, run.seed)
        source.set_state(state.source.get_state())
        kind = replace(run, family="lsa_ln") if run.family == "lsa" else run  # token by token, from the same stream
        tokens, target = draw(kind, replace(state, source=source, transformer=Transformer(TransformerConfig(1, 1, 1, 1, 1))))
        state.source.set_state(source.get_state())
        return (condense(tokens) if run.family == "lsa" else tokens), target

    monkeypatch.setattr(engine, "draw", same_prompts)
    ours, theirs = ([float(step()) for _ in range(200)] for step in (lambda: advance(run, state)[0], plain))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    assert sum(ours[-20:]) == pytest.approx(sum(theirs[-20:]), rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(0, 30), st.integers(0, 10**6))
def test_a_triangular_factor_is_triangular(columns, more, seed):
    factor = bartlett(columns + more, columns, 5, generator("f", seed), torch.float64)
    assert not factor.tril(-1).any() and (factor.diagonal(dim1=-2, dim2=-1) > 0).all()


def test_a_triangular_factor_needs_enough_examples():
    with pytest.raises(ValueError, match=r"n must be at least 4 .* found 3"):
        bartlett(3, 4, 1, generator("f"), torch.float64)


@pytest.mark.parametrize(("n", "noise"), [(6, 0.0), (12, 0.5), (50, 0.1)])
def test_condensed_prompts_have_the_distribution_of_prompts(n, noise):
    """Kolmogorov and Smirnov's test on invariants of the Gram matrix, the query and the target, 20,000 prompts each."""
    condition, size = Condition("normalised", 4, n, 5.0, noise), (20000, 1)
    prompts = sample(condition, *size, generator("long", n))
    labels = torch.cat([prompts.y, torch.zeros(size[0], 1)], 1).unsqueeze(-1)
    long, long_target = torch.cat([prompts.x, labels], -1), prompts.target
    short, short_target = sample_condensed(condition, *size, generator("short", n), torch.float64)
    assert short.shape == (20000, 6, 5)

    def invariants(tokens, target):
        examples, query = tokens[:, :-1], tokens[:, -1]
        gram = examples.mT @ examples
        spectrum = torch.linalg.eigvalsh(gram[:, :4, :4])
        yield from spectrum.unbind(-1)
        yield from (gram[:, 4, 4], gram[:, 0, 4], gram[:, 0, 1], (query.unsqueeze(1) @ gram @ query.unsqueeze(-1)).flatten())
        yield from (query[:, 0], target, target * gram[:, 0, 4], (query[:, :4] * gram[:, :4, 4]).sum(-1) - n * target)

    for one, other in zip(invariants(long, long_target), invariants(short, short_target), strict=True):
        assert ks_2samp(one.numpy(), other.numpy()).pvalue > 1e-4


def test_a_step_of_linear_attention_costs_nothing_in_n():
    sizes = {draw(run, start(run, "cpu"))[0].shape for run in (make_run("lsa", 2, n=n, batch=8) for n in (50, 100, 400))}
    assert sizes == {(8, 12, 11)}


@COMPILED
def test_the_compiled_layer_does_not_depend_on_the_number_of_threads():
    config = TransformerConfig(64, 1, 4, 16, scale=0.1, layer_norm=True)
    layer, threads = randomised(config, torch.float32, 0).layers[0], torch.get_num_threads()
    stream = torch.randn(200, 20, 64, generator=generator("stream")).requires_grad_()
    results = []
    for count in (1, 2):
        torch.set_num_threads(count)
        value = fused.attend(layer, stream)
        grads = torch.autograd.grad(value.sum(1).sin().sum(), [stream, *layer.parameters()])
        results.append([value, *grads])
    torch.set_num_threads(threads)
    assert all(map(torch.equal, *results))


@COMPILED
def test_without_a_compiler_the_same_is_computed(monkeypatch):
    run = make_run("lsa_ln", 4, batch=20)
    state = start(run, "cpu")
    batch = draw(run, state)
    with_compiler = squared_errors(run, state.transformer, *batch)
    fused.compiled.cache_clear()
    monkeypatch.setenv("ICNEWTON_COMPILER", "")
    try:
        assert fused.compiled() is None
        without = squared_errors(run, state.transformer, *batch)
    finally:
        monkeypatch.undo()
        fused.compiled.cache_clear()
    assert fused.compiled() is not None
    assert not torch.equal(with_compiler, without)
    torch.testing.assert_close(with_compiler, without, rtol=1e-4, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(1.0, 100.0), st.integers(0, 10**6))
def test_the_polar_factor_is_nearly_orthogonal(m, n, condition, seed):
    gaussian = torch.randn(3, m, n, dtype=torch.float64, generator=generator("matrices", seed))
    U, _, Vh = torch.linalg.svd(gaussian, full_matrices=False)
    rank = min(m, n)
    S = torch.logspace(0, -math.log10(condition), rank, dtype=torch.float64)
    found = polar_factor(U * S @ Vh)
    assume(found.isfinite().all())
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.25
    torch.testing.assert_close((found.mT @ (U @ Vh)).mT, found.mT @ (U @ Vh), rtol=0, atol=1e-8)


def test_muon_moves_every_matrix_by_its_rate():
    matrices = [torch.nn.Parameter(torch.randn(*shape, generator=generator(shape))) for shape in ((8, 8), (8, 8), (4, 16))]
    before = [matrix.detach().clone() for matrix in matrices]
    optimizer = Muon(matrices, torch.tensor(0.05), 0.9)
    for scale, matrix in zip((1e-6, 1.0, 1e6), matrices, strict=True):
        matrix.grad = scale * torch.randn(matrix.shape, generator=generator(scale))
    optimizer.step()
    for old, new in zip(before, matrices, strict=True):
        assert 0.05 * 0.6 < torch.linalg.matrix_norm(new.detach() - old, 2) < 0.05 * 1.25


def test_a_batch_trains_the_tiny_run(tiny_run):
    run = parse_run(tiny_run)
    state = start(run, "cpu")
    value, norm = advance(run, state)
    assert value.isfinite() and norm > 0 and state.step == 1 and int(state.clock) == 1


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_steps_do_not_fault_pages_in_again_and_again():
    command = "import resource, sys\nfrom bench.run import make_run\nfrom icnewton.training.engine import advance, start\n"
    command += "from icnewton.training.memory import keep_freed_memory\n"
    command += "assert sys.argv[1] == 'default' or keep_freed_memory()\nrun = make_run('lsa', 3, batch=300)\n"
    command += "state = start(run, 'cpu')\nfor _ in range(8): advance(run, state)\n"
    command += "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\nfor _ in range(8): advance(run, state)\n"
    command += "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    faults = [
        int(subprocess.run([sys.executable, "-c", command, mode], capture_output=True, text=True, check=True).stdout)
        for mode in ("default", "kept")
    ]
    assert faults[1] < faults[0] / 4, faults


@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
def test_models_trained_together_become_what_they_become_alone(kind, monkeypatch):
    narrow = {"width": 8, "head_dim": 2, "matrix_rate": 0.02}  # too narrow for the compiled layer
    alike = make_run(kind, 3, batch=16)
    alike = replace(alike, recipe=replace(alike.recipe, **narrow))
    runs = [alike, replace(alike, seed=1), replace(alike, condition=replace(alike.condition, kappa=3.0))]
    together, alone = ([start(run, "cpu") for run in runs] for _ in range(2))
    assert stackable(runs) and not stackable([alike, replace(alike, layers=2)])
    for _ in range(5):
        batches = [draw(run, state) for run, state in zip(runs, together, strict=True)]
        values = stacked_gradients(runs, together, batches)
        assert all(p.grad.is_contiguous() for state in together for p in state.transformer.parameters())
        for run, state in zip(runs, together, strict=True):
            descend(run, state)
        wanted = [advance(run, state)[0] for run, state in zip(runs, alone, strict=True)]
        torch.testing.assert_close(values, torch.stack(wanted), rtol=1e-3, atol=1e-5)
    for one, other in zip(together, alone, strict=True):
        assert_near(one.transformer.parameters(), other.transformer.parameters(), 1e-3)


def test_unlike_runs_are_not_trained_together(tmp_path):
    runs = [make_run("lsa", layers, batch=4) for layers in (1, 2)]
    with pytest.raises(ValueError, match="differ in condition and seed alone"):
        train_together(runs, checkpoints=[tmp_path / "a", tmp_path / "b"], code="x")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
def test_a_recorded_step_is_the_step(kind):
    run = make_run(kind, 3, batch=64)
    runs = [run, replace(run, seed=1)]
    eager, recorded = ([start(run, "cuda") for run in runs] for _ in range(2))
    step = Recording(runs, recorded)
    for _ in range(10):
        wanted, found = advance_together(runs, eager)[0], step()[0]
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=0)
