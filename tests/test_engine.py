"""The fast training step computes what the plain one computes: the same answers, gradients,
distributions and runs.
"""

import platform
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles.near import assert_near, randomised
from oracles.plain import Plain, plain_name, plain_step
from oracles.runs import make_run

from icnewton.models.config import TransformerConfig
from icnewton.models.gram import condense
from icnewton.models.transformer import Transformer
from icnewton.randomness import generator
from icnewton.training import step as plainly
from icnewton.training.fast import kernel
from icnewton.training.fast import step as fast
from icnewton.training.fast.forward import answer
from icnewton.training.fast.step import advance, draw, quick_answer
from icnewton.training.runs import parse_run
from icnewton.training.step import gradient, squared_errors, start

COMPILED = pytest.mark.skipif(kernel.compiled() is None, reason="no C compiler")


def derivatives(value, transformer):
    return torch.autograd.grad(
        value.square().sum(), list(transformer.parameters()), allow_unused=True
    )


@settings(max_examples=60, deadline=None)
@given(
    layers=st.integers(0, 4),
    heads=st.integers(1, 3),
    attention=st.sampled_from(["linear", "softmax"]),
    layer_norm=st.booleans(),
    query_as_key=st.booleans(),
    hidden_width=st.sampled_from([0, 5]),
    clip=st.sampled_from([None, 1.0]),
    attention_bias=st.booleans(),
    end_bias=st.booleans(),
    last_norm=st.booleans(),
    positions=st.sampled_from([0, 7]),
    loops=st.integers(1, 2),
    seed=st.integers(0, 10**6),
)
def test_the_answer_is_that_of_the_transformer(layers, heads, loops, seed, **options):
    config = TransformerConfig(
        6,
        layers,
        heads,
        4,
        scale=0.3,
        activation="gelu",
        inputs=3,
        outputs=2,
        loops=loops if layers else 1,
        **options,
    )
    transformer = randomised(config, torch.float64, seed)
    tokens = torch.randn(4, 7, 3, dtype=torch.float64, generator=generator("tokens", seed))
    fast, plain = answer(transformer, tokens), transformer.answer(tokens)
    assume(bool(plain.isfinite().all()))  # eight layers of random weights may overflow
    torch.testing.assert_close(fast, plain, rtol=1e-10, atol=1e-12)
    wanted = derivatives(plain, transformer)
    assume(all(part is None or bool(part.isfinite().all()) for part in wanted))
    assert_near(derivatives(fast, transformer), wanted, 1e-9)


@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_gradients_of_a_batch_are_those_of_the_plain_step(kind, layers, monkeypatch):
    monkeypatch.setattr(plainly, "MICRO_BATCH", 250)
    run = make_run(kind, layers, batch=600)
    state, plain = start(run, "cpu"), Plain(run).double()
    tokens, target = token_batch(run, 600)
    short = condense(tokens) if kind == "lsa" else tokens
    value = gradient(run, state.transformer, (short.float(), target.float()), quick_answer)
    wanted = (run.format.read(plain(tokens)[:, -1:]) - target).square().mean()
    wanted.backward()
    assert float(value) == pytest.approx(wanted.item(), rel=1e-5)
    found = {name: parameter.grad for name, parameter in state.transformer.named_parameters()}
    wanted = {name: parameter.grad for name, parameter in plain.named_parameters()}
    assert {plain_name(name) for name in found} == wanted.keys()
    assert_near(found.values(), [wanted[plain_name(name)] for name in found], 1e-5)


def token_batch(run, batch):
    """Tokens and targets of ordinary prompts in float64."""
    prompts = run.sample(1, batch, generator("batch"))
    return run.format.tokens(prompts.x, prompts.y), prompts.target


@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
def test_two_hundred_steps_end_where_the_plain_ones_end(kind, monkeypatch):
    """From the same weights and the same prompts; the fast path may only round differently."""
    run = make_run(kind, 3, batch=32)
    state, plain = start(run, "cpu"), plain_step(run)

    def same_prompts(run, state):
        source = generator("training", run.layers, run.seed)
        source.set_state(state.source.get_state())
        kind = (
            replace(run, family="lsa_ln") if run.family == "lsa" else run
        )  # token by token, from the same stream
        tokens, target = draw(
            kind,
            replace(
                state, source=source, transformer=Transformer(TransformerConfig(1, 1, 1, 1, 1))
            ),
        )
        state.source.set_state(source.get_state())
        return (condense(tokens) if run.family == "lsa" else tokens), target

    monkeypatch.setattr(fast, "draw", same_prompts)
    ours, theirs = (
        [float(step()) for _ in range(200)] for step in (lambda: advance(run, state)[0], plain)
    )
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    assert sum(ours[-20:]) == pytest.approx(sum(theirs[-20:]), rel=1e-4)


def test_a_step_of_linear_attention_costs_nothing_in_n():
    sizes = {
        draw(run, start(run, "cpu"))[0].shape
        for run in (make_run("lsa", 2, n=n, batch=8) for n in (50, 100, 400))
    }
    assert sizes == {(8, 12, 11)}


@COMPILED
def test_without_a_compiler_the_same_is_computed(monkeypatch):
    run = make_run("lsa_ln", 4, batch=20)
    state = start(run, "cpu")
    batch = draw(run, state)
    with_compiler = squared_errors(run, state.transformer, *batch, quick_answer)
    kernel.compiled.cache_clear()
    monkeypatch.setenv("ICNEWTON_COMPILER", "")
    try:
        assert kernel.compiled() is None
        without = squared_errors(run, state.transformer, *batch, quick_answer)
    finally:
        monkeypatch.undo()
        kernel.compiled.cache_clear()
    assert kernel.compiled() is not None
    assert not torch.equal(with_compiler, without)
    torch.testing.assert_close(with_compiler, without, rtol=1e-4, atol=1e-6)


def test_a_batch_trains_the_tiny_run(tiny_run):
    run = parse_run(tiny_run)
    state = start(run, "cpu")
    value, norm = advance(run, state)
    assert value.isfinite() and norm > 0 and state.step == 1 and int(state.clock) == 1


PAGE_FAULTS = """
import resource, sys
from tests.oracles.runs import make_run
from icnewton.training.fast.step import advance
from icnewton.training.step import start
from icnewton.training.fast.memory import keep_freed_memory

assert sys.argv[1] == "default" or keep_freed_memory()
run = make_run("lsa", 3, batch=300)
state = start(run, "cpu")
for _ in range(24):
    advance(run, state)
seen = []
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        advance(run, state)
    seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(seen))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_steps_do_not_fault_pages_in_again_and_again():
    """By default a step faults in some 240 pages on most machines; there are kernels on which it
    faults in none. Kernels that take idle pages back add some now and then, to a few rounds.
    """
    default, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", PAGE_FAULTS, mode],
                capture_output=True,
                encoding="utf-8",
                check=True,
            ).stdout
        )
        for mode in ("default", "kept")
    )
    assert kept < max(default / 4, 100), (default, kept)
