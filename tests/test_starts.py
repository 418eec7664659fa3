"""Trainings that start from known weights compute what is known at step 0, and say so."""

from dataclasses import replace

import pytest
import torch

import icnewton
from icnewton.algorithms.gdpp import residual
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.evaluation.responses import Named, responses
from icnewton.models.model import assemble
from icnewton.pipeline.complaints import ConfigError, check
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run, parse_run
from icnewton.training.starts import STARTS
from icnewton.training.starts.gdpp import scalars_of
from icnewton.training.step import gradient, start

CONDITION = LinearCondition("normalised", 10, 50, 10.0, 0.0)


def run_of(name, layers, condition=CONDITION, seed=0, **changes):
    return Run("lsa", condition, layers, seed, Recipe.named("fast", "lsa", start=name, **changes))


@pytest.mark.parametrize(
    ("name", "layers"),
    [*((name, 1) for name in STARTS), ("gdpp_triangle", 4), ("gdpp_fitted", 3)],
)
def test_the_residual_polynomial_at_step_0_is_that_of_gdpp(name, layers):
    run = run_of(name, layers)
    origin = {"diverged": None}
    model = assemble(run.format, run.transformer(), family="lsa", kind="learned", origin=origin)
    prompts = sample(CONDITION, 32, 1, generator("p"))
    frame = responses(Named("lsa", 0, layers, model), prompts, spectrum_of(CONDITION))
    wanted = residual(
        torch.from_numpy(frame["eigenvalue"].to_numpy(copy=True)),
        *scalars_of(CONDITION, layers, name.removeprefix("gdpp_")),
    )
    found = torch.from_numpy(frame["residual"].to_numpy(copy=True))
    assert model.card.dtype == "float32" and set(frame["part"]) == {
        "identity",
        "triangle",
        "prompts",
    }
    torch.testing.assert_close(found, wanted, rtol=2e-6 * 3**layers, atol=2e-6 * 3**layers)


def test_seeds_differ_in_what_changes_no_answer():
    one, other = (run_of("gdpp_triangle", 2, seed=seed).transformer() for seed in (0, 1))
    weights = [model.layers[0].attention.value.weight for model in (one, other)]
    assert not torch.equal(*weights) and torch.equal(*(weight[:16] for weight in weights))
    x = torch.randn(3, 6, 11, generator=generator("x"))
    assert torch.equal(one.answer(x), other.answer(x))


def test_training_may_leave_the_start():
    """Heads that add nothing at first have gradients, so that they are not lost."""
    small = LinearCondition("normalised", 3, 12, 10.0, 0.0)
    run = run_of("gdpp_triangle", 2, small, width=8, heads=2, head_dim=4)
    state, prompts = start(run, "cpu"), run.sample(8, 1, generator("p"), torch.float32)
    gradient(run, state.transformer, (run.format.tokens(prompts.x, prompts.y), prompts.target))
    first, last = (layer.attention.output.weight.grad for layer in state.transformer.layers)
    assert first[:4, 4:].abs().min() > 0 and last[3, 4:].abs().min() > 0


def test_a_card_says_where_its_training_started():
    sizes = {"width": 8, "heads": 2, "head_dim": 4, "steps": 2, "warmup": 1, "batch": 4}
    recipe = Recipe.named("fast", start="gdpp_triangle", **sizes)
    model = icnewton.train("lsa", layers=1, recipe=recipe, d=3, n=12)
    values = model.card.origin["run"]
    assert values["recipe"]["start"] == "gdpp_triangle"
    assert "icnewton.training.starts.gdpp" in parse_run(values).modules


def test_a_card_without_a_start_was_trained_from_random_weights():
    run = run_of(None, 2)
    values = run.to_json()
    del values["recipe"]["start"]
    assert parse_run(values) == run
    assert "icnewton.training.starts.gdpp" not in run.modules


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "zero"}, "start: expected one of gdpp_triangle, .*, found 'zero'"),
        ({"query_as_key": True}, "start must be none where layers are not linear .* found 'gdpp_"),
        ({"activation_clip": 10.0}, "start must be none where layers are not linear attention"),
        ({"head_dim": 8}, "start must be none where heads and stream have at most d = 10 rows"),
    ],
)
def test_a_start_that_cannot_be_is_refused(changes, words):
    recipe = Recipe.named("fast", "lsa")
    with pytest.raises(ValueError, match=words):
        Run("lsa", CONDITION, 2, 0, replace(recipe, **({"start": "gdpp_fitted"} | changes)))


def test_a_configuration_with_an_impossible_start_is_refused(smoke):
    smoke["runs"][0]["set"] |= {"start": "gdpp_triangle", "query_as_key": True}
    with pytest.raises(ConfigError, match=r"runs\[0\]: start must be none where"):
        check(smoke)
    smoke["runs"][0]["set"] |= {"start": "zero"}
    with pytest.raises(ConfigError, match=r"runs\[0\]: start: expected one of gdpp_triangle"):
        check(smoke)
