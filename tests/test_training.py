"""Training: the Gram-matrix shortcut is exact, runs are seeded by themselves, and a kill costs
nothing.
"""

import itertools
import json
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.training.checkpoint import load_checkpoint
from icnewton.training.curriculum import Curriculum
from icnewton.training.fast.step import advance
from icnewton.training.loop import Unfinished, train
from icnewton.training.runs import parse_run
from icnewton.training.schedule import schedule
from icnewton.training.step import start


@pytest.fixture
def run(tiny_run):
    return parse_run(tiny_run)


def quiet(line):
    pass


def test_schedule_warms_up_then_falls_to_zero():
    rates = [2 * schedule(step, 10, 100) for step in range(101)]
    assert (
        rates[0] == 0.2
        and rates[9] == rates[10] == 2.0
        and rates[100] == pytest.approx(0, abs=1e-15)
    )
    assert rates[55] == pytest.approx(1.0) and all(
        a >= b for a, b in itertools.pairwise(rates[10:])
    )


@pytest.mark.parametrize("truncates", ["w", "x"])
def test_curriculum_truncates_what_it_says(truncates):
    curriculum = Curriculum(
        dims=2, dims_step=1, points=4, points_step=3, every=10, truncates=truncates
    )
    assert [curriculum.sizes(step, 5, 12) for step in (0, 9, 10, 25, 1000)] == [
        (2, 4),
        (2, 4),
        (3, 7),
        (4, 10),
        (5, 12),
    ]
    prompts = sample(LinearCondition("unnormalised", 5, 12, 3.0, 0.3), 3, 1, generator("p"))
    shown = curriculum.apply(prompts, 0)
    assert shown.x.shape == (3, 5, 5) and shown.y.shape == (3, 4)
    assert not shown.w[:, 2:].any()
    assert bool(shown.x[..., 2:].any()) == (truncates == "w")
    noise = prompts.y - (prompts.x @ prompts.w.unsqueeze(-1)).squeeze(-1)[:, :-1]
    torch.testing.assert_close(
        shown.y - (shown.x @ shown.w.unsqueeze(-1)).squeeze(-1)[:, :-1], noise[:, :4]
    )
    torch.testing.assert_close(shown.target, (shown.x[:, -1] * shown.w).sum(-1))
    torch.testing.assert_close(curriculum.apply(prompts, 10**6).y, prompts.y)


def test_a_training_whose_time_is_up_goes_on_where_it_was(tmp_path, run):
    whole, log = train(run, checkpoint=tmp_path / "whole", code="c", say=quiet)
    with pytest.raises(Unfinished, match="stopped at step 1 of 60"):
        train(run, checkpoint=tmp_path / "parts", code="c", say=quiet, deadline=0)
    said = []
    parts, resumed = train(run, checkpoint=tmp_path / "parts", code="c", say=said.append)
    assert said[0] == "resuming from step 1" and [row[:2] for row in resumed] == [
        row[:2] for row in log
    ]
    for name, weight in whole.transformer.state_dict().items():
        assert torch.equal(weight, parts.transformer.state_dict()[name])


def test_training_is_reproducible_and_lowers_the_loss(tmp_path, run):
    longer = replace(run, recipe=replace(run.recipe, steps=300))
    first, log = train(longer, checkpoint=tmp_path / "a", code="x", say=quiet)
    second, _ = train(longer, checkpoint=tmp_path / "b", code="x", say=quiet)
    for name, weight in first.transformer.state_dict().items():
        assert torch.equal(weight, second.transformer.state_dict()[name])
    assert log[-1][1] < 0.5 * log[0][1]
    assert first.card.origin["final_loss"] == log[-1][1] and first.card.dtype == "float32"


def test_depth_and_seed_have_streams_of_their_own(run):
    states = [
        start(replace(run, layers=layers, seed=seed), "cpu")
        for layers, seed in ((1, 0), (2, 0), (2, 1))
    ]
    draws = [state.source.initial_seed() for state in states]
    embeddings = [state.transformer.embedding.weight for state in states]
    assert len(set(draws)) == 3
    assert not torch.equal(embeddings[1], embeddings[2]) and not torch.equal(
        embeddings[0], embeddings[1]
    )


def test_resumes_bit_for_bit(tmp_path, run):
    undisturbed, log = train(run, checkpoint=tmp_path / "whole", code="x", say=quiet)
    for stop in (13, 40):

        def interrupt(line, stop=stop):
            if line.startswith(f"step {stop} "):
                raise KeyboardInterrupt

        path = tmp_path / f"stopped{stop}"
        with pytest.raises(KeyboardInterrupt):
            train(run, checkpoint=path, code="x", say=interrupt, checkpoint_seconds=0)
        assert_resumes_like(undisturbed, log, run, path, stop)


def assert_resumes_like(undisturbed, log, run, path, step=None):
    lines = []
    resumed, resumed_log = train(run, checkpoint=path, code="x", say=lines.append)
    assert lines[0].startswith("resuming from step ") and (
        step is None or lines[0].endswith(f" {step}")
    )
    for name, weight in undisturbed.transformer.state_dict().items():
        assert torch.equal(weight, resumed.transformer.state_dict()[name])
    assert [row[:4] for row in log] == [row[:4] for row in resumed_log]


KILLED = """
import json, sys, torch
from pathlib import Path
from icnewton.training.runs import parse_run
from icnewton.training.loop import train
torch.set_num_threads(1)
run = parse_run(json.loads(sys.argv[1]))
train(run, checkpoint=Path(sys.argv[2]), code="x", checkpoint_seconds=0)
"""


def test_survives_sigkill_bit_for_bit(tmp_path, run):
    """A real process killed at a moment of nobody's choosing, then resumed."""
    longer = replace(run, recipe=replace(run.recipe, steps=3000))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        undisturbed, log = train(longer, checkpoint=tmp_path / "whole", code="x", say=quiet)
        path = tmp_path / "killed"
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, json.dumps(longer.to_json()), str(path)], stdout=-3
        )
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        process.kill()
        assert process.wait() == -9, "the run ended before it was killed"
        assert_resumes_like(undisturbed, log, longer, path)
    finally:
        torch.set_num_threads(threads)


def test_a_finished_checkpoint_gives_the_model_again(tmp_path, run):
    model, _ = train(run, checkpoint=tmp_path / "c", code="x", say=quiet)
    again, _ = train(run, checkpoint=tmp_path / "c", code="x", say=quiet)
    assert torch.equal(model.transformer.readout.weight, again.transformer.readout.weight)


def test_unusable_checkpoints_are_refused_and_training_starts_over(tmp_path, run):
    path = tmp_path / "c"
    train(run, checkpoint=path, code="x", say=quiet)
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[-5] ^= 1
    slower = replace(run, recipe=replace(run.recipe, learning_rate=1e-3))
    cases = {
        "made by other code, x and not y": (content, run, "y"),
        "made with other settings, recipe.learning_rate 0.003 and not 0.001": (
            content,
            slower,
            "x",
        ),
        "expected a checkpoint, found Error": (content[: len(content) // 2], run, "x"),
        "expected a checkpoint, found one that was changed after it was written": (
            bytes(flipped),
            run,
            "x",
        ),
    }
    for reason, (damaged, wanted, code) in cases.items():
        path.write_bytes(damaged)
        lines = []
        model, _ = train(wanted, checkpoint=path, code=code, say=lines.append)
        assert lines[0].startswith("starting over:") and reason in lines[0]
        assert model.card.origin["final_loss"] is not None


def test_a_checkpoint_that_is_not_finite_is_refused(tmp_path, run):
    from icnewton.training.checkpoint import save_checkpoint

    state = start(run, "cpu")
    advance(run, state)
    state.transformer.readout.weight.data[0, 0] = torch.nan
    save_checkpoint(tmp_path / "c", state, [], run, "x")
    with pytest.raises(ValueError, match="values that are not finite"):
        load_checkpoint(tmp_path / "c", start(run, "cpu"), run, "x")


def test_divergence_stops_with_the_step(tmp_path, run):
    wild = replace(run, recipe=replace(run.recipe, learning_rate=1e6, warmup=1, gradient_clip=1e9))
    lines = []
    model, log = train(wild, checkpoint=tmp_path / "c", code="x", say=lines.append)
    last = int(model.card.origin["diverged"].split()[-1])
    assert (
        re.match(r"mean loss (nan|inf) in the steps up to \d+", model.card.origin["diverged"])
        and last < wild.recipe.steps
    )
    assert lines[-1] == f"diverged: {model.card.origin['diverged']}" and [
        row[0] for row in log
    ] == list(range(1, last))
