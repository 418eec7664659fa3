"""Logistic prompts, and learned models on them."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.algorithms import ALGORITHMS
from icnewton.constructions.parts.interventions import iterates
from icnewton.evaluation.answers import built, frame, learned, references
from icnewton.problems.logistic import LogisticCondition, sample_logistic
from icnewton.problems.parts import logistic_loss as logistic
from icnewton.randomness import generator
from icnewton.theory import bounds
from icnewton.training.loop import train
from icnewton.training.runs import parse_run


@pytest.mark.parametrize("protocol", ["bounded", "normalised", "unnormalised"])
def test_prompts_have_the_labels_and_the_minimiser(protocol):
    condition = LogisticCondition(protocol, 4, 11, 10.0, 0.1)
    prompts = sample_logistic(condition, 3, 5, generator("test", protocol))
    assert prompts.x.shape == (15, 11, 4) and prompts.covariance.tolist() == sorted([0, 1, 2] * 5)
    margins = prompts.y * (prompts.x @ prompts.w.unsqueeze(-1)).squeeze(-1)
    assert (margins >= 0).all() and (prompts.y.abs() == 1).all()
    assert (
        torch.linalg.vector_norm(
            logistic.gradient(prompts.target, prompts.x, prompts.y, 0.1), dim=-1
        ).max()
        <= 1e-12
    )
    norms = torch.linalg.vector_norm(prompts.x, dim=-1).amax(-1)
    assert torch.allclose(norms, torch.ones(15, dtype=torch.float64)) == (protocol == "bounded")
    again = sample_logistic(condition, 3, 5, generator("test", protocol))
    assert torch.equal(again.x, prompts.x) and torch.equal(again.target, prompts.target)


def test_conditions_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="mu must be a number from 1e-09 to"):
        LogisticCondition("bounded", 2, 3, 1.0, 0.0)
    with pytest.raises(ValueError, match="protocol: expected one of bounded"):
        LogisticCondition("loose", 2, 3, 1.0, 0.1)
    with pytest.raises(ValueError, match="kappa must be a number from 1 to"):
        LogisticCondition("bounded", 2, 3, 0.1, 0.1)


@pytest.fixture
def encoder(tiny_run):
    recipe = tiny_run["recipe"] | {
        "hidden_width": 32,
        "width": 16,
        "head_dim": 4,
        "heads": 4,
        "steps": 300,
        "batch": 32,
    }
    condition = {
        "problem": "logistic",
        "protocol": "bounded",
        "d": 2,
        "n": 8,
        "kappa": 1.0,
        "mu": 0.1,
    }
    return tiny_run | {"family": "softmax", "layers": 1, "condition": condition, "recipe": recipe}


def test_an_encoder_learns_the_minimiser(encoder, tmp_path):
    run = parse_run(encoder)
    model, log = train(
        run, checkpoint=tmp_path / "c", code="x", device="cpu", say=lambda line: None
    )
    assert model.card.hidden_width == 32 and model.card.config["attention"] == "softmax"
    prompts = sample_logistic(run.condition, 8, 8, generator("evaluation"))
    answers = learned(model, "softmax", 0, run.condition, prompts)
    found = frame([answers], run.condition, prompts).groupby("quantity")["value"]
    assert found.min()["excess"] >= 0 and found.first()["training_error"] == log[-1][1]
    start = logistic.loss(torch.zeros_like(prompts.target), prompts.x, prompts.y, 0.1)
    best = logistic.loss(prompts.target, prompts.x, prompts.y, 0.1)
    assert found.mean()["excess"] < 0.2 * (start - best).mean().item()


def test_an_encoder_without_layers_answers_with_a_constant(encoder, tmp_path):
    run = parse_run(encoder | {"layers": 0})
    model, _ = train(run, checkpoint=tmp_path / "c", code="x", device="cpu", say=lambda line: None)
    prompts = sample_logistic(run.condition, 2, 2, generator("evaluation"))
    w = model(prompts.x, prompts.y)
    assert model.card.depth == 0 and torch.equal(w, w[:1].expand_as(w))


def test_the_target_is_a_setting(encoder, tmp_path):
    newton, truth = (
        parse_run(encoder | {"family": family}) for family in ("softmax", "softmax_truth")
    )
    logs = [
        train(run, checkpoint=tmp_path / run.family, code="x", device="cpu", say=lambda line: None)[
            1
        ]
        for run in (newton, truth)
    ]
    assert logs[0][-1][1] < 0.25 * logs[1][-1][1], (
        "the length of the true weights cannot be learned from signs"
    )


def test_built_and_reference_methods_agree_step_by_step():
    condition = LogisticCondition("bounded", 3, 9, 5.0, 0.1)
    prompts = sample_logistic(condition, 4, 4, generator("evaluation"))
    model = icnewton.build("damped_newton", d=3, n=9, mu=0.1, steps=4, error=1e-6, looped=True)
    models = dict.fromkeys(range(5), model)
    ours = list(built("mine", "damped_newton", models, condition, prompts))
    theirs = list(references("damped_newton", range(5), condition, prompts))
    assert [item.layers for item in ours] == [model.card.layers_per_step * t for t in range(5)]
    assert [item.layers for item in theirs] == [bounds.LAYERS * t for t in range(5)]
    assert ALGORITHMS["damped_newton"].layers == bounds.LAYERS
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.values, other.values, atol=1e-5)


@given(d=st.integers(1, 6), n=st.integers(1, 20), mu=st.floats(0.01, 1), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_gradient_descent_is_one_layer_a_step(d, n, mu, seed):
    prompts = sample_logistic(
        LogisticCondition("bounded", d, n, 5.0, mu), 2, 2, generator("test", seed)
    )
    x, y = prompts.x, prompts.y
    model = icnewton.build("logistic_gradient_descent", d=d, n=n, mu=mu, steps=7, error=1e-3)
    assert model.card.depth == 7 and model.card.heads == 2 and model.card.width == 2 * d + 4
    w = iterates(model, x, y)
    for before, after in pairwise(w):
        exact = before - logistic.gradient(before, x, y, mu) / (mu + 0.25)
        assert torch.linalg.vector_norm(after - exact, dim=-1).max().item() <= 1e-3
    looped = icnewton.build(
        "logistic_gradient_descent", d=d, n=n, mu=mu, steps=7, error=1e-3, looped=True
    )
    assert torch.equal(looped(x, y), model(x, y))
    with pytest.raises(ValueError, match=r"error in \(0, 1\), found .* error=2"):
        icnewton.build("logistic_gradient_descent", d=d, n=n, mu=mu, steps=7, error=2)
