"""Models trained together become what they become alone, on a processor and recorded on a GPU."""

from dataclasses import replace

import pytest
import torch
from oracles.runs import make_run
from test_engine import assert_near

from icnewton.training.fast.capture import Recording
from icnewton.training.fast.step import advance, draw
from icnewton.training.fast.together import advance_together, stackable
from icnewton.training.fast.together import gradients as stacked_gradients
from icnewton.training.loop import train_together
from icnewton.training.step import descend, start


@pytest.mark.parametrize("kind", ["lsa", "lsa_ln", "softmax"])
def test_models_trained_together_become_what_they_become_alone(kind):
    narrow = {"width": 8, "head_dim": 2, "matrix_rate": 0.02}  # too narrow for the compiled layer
    alike = make_run(kind, 3, batch=16)
    alike = replace(alike, recipe=replace(alike.recipe, **narrow))
    runs = [
        alike,
        replace(alike, seed=1),
        replace(alike, condition=replace(alike.condition, kappa=3.0)),
    ]
    together, alone = ([start(run, "cpu") for run in runs] for _ in range(2))
    assert stackable(runs) and not stackable([alike, replace(alike, layers=2)])
    for _ in range(5):
        batches = [draw(run, state) for run, state in zip(runs, together, strict=True)]
        values = stacked_gradients(runs, together, batches)
        assert all(
            p.grad.is_contiguous() for state in together for p in state.transformer.parameters()
        )
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
