"""Linear probes of encoders find what is there, and no more."""

import numpy as np
import pytest
import torch

import icnewton
from icnewton.evaluation.decoding import beside, decode, iterates, probe, streams
from icnewton.problems.logistic import LogisticCondition, sample_logistic
from icnewton.randomness import generator
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run

CONDITION = LogisticCondition("bounded", 3, 9, 5.0, 0.1)
STEPS = {"damped_newton": [0, 1, 4], "logistic_gradient_descent": [2]}
SMALL = {"width": 8, "heads": 2, "head_dim": 4, "hidden_width": 8}


@pytest.fixture(scope="module")
def prompts():
    return sample_logistic(CONDITION, 80, 4, generator("p"))


@pytest.fixture(scope="module")
def model():
    run = Run("softmax_hidden", CONDITION, 2, 0, Recipe.named("fast", "softmax", **SMALL))
    origin = {"run": run.to_json(), "diverged": None}
    return icnewton.models.model.assemble(
        run.format, run.transformer(), family=run.family, kind="learned", origin=origin
    )


def test_a_probe_reads_what_is_linear_whatever_its_scale(prompts):
    wanted, covariances = iterates(prompts, CONDITION, STEPS), prompts.covariance.numpy()
    names = ["damped_newton", "damped_newton", "logistic_gradient_descent"]
    assert [*wanted] == list(zip(names, [1, 4, 2], strict=True))
    noise = np.random.default_rng(0).standard_normal((len(covariances), 5))
    mixed = 1e-4 * wanted["damped_newton", 4] @ np.array([[1, 2, 0], [0, 1, 3], [1, 0, 1]]) + 7
    rows = probe(np.hstack([noise, mixed]), wanted, covariances).set_index(["algorithm", "iterate"])
    assert rows.loc[("damped_newton", 4), "r2"] == pytest.approx(1, abs=1e-6)
    assert (rows["low"] <= rows["r2"]).all() and (rows["r2"] <= rows["high"]).all()
    assert rows.loc[("damped_newton", 1), "r2"] < 1 - 1e-4


def test_a_probe_finds_nothing_in_noise(prompts):
    wanted, covariances = iterates(prompts, CONDITION, STEPS), prompts.covariance.numpy()
    noise = np.random.default_rng(0).standard_normal((len(covariances), 8))
    rows = probe(noise, wanted, covariances)
    assert (rows["r2"] < 0.05).all() and (rows["low"] < 0).all()


def test_prompts_of_a_covariance_are_not_on_both_sides(prompts):
    """What tells covariances apart explains nothing of those that were not fitted."""
    covariances = prompts.covariance.numpy()
    wanted = {("damped_newton", 1): np.random.default_rng(1).standard_normal((80, 3))[covariances]}
    names = np.random.default_rng(2).standard_normal((80, 60))[covariances]
    assert probe(names, wanted, covariances)["r2"].max() < 0.1


def test_streams_are_read_at_the_answer_and_over_all_tokens(prompts, model):
    found = list(streams(model, prompts))
    assert len(found) == 3 and found[0]["answer"].shape == (320, 8)
    exact = model.to(torch.float64)
    whole = exact.transformer.trace(exact.format.tokens(prompts.x, prompts.y))[2]
    np.testing.assert_allclose(found[2]["answer"], whole[:, -1].numpy())
    np.testing.assert_allclose(found[2]["mean"], whole.mean(1).numpy())


def test_the_table_sets_a_model_beside_what_it_is_held_against(prompts, model):
    frame = decode({"trained": model, "untrained": model}, prompts, CONDITION, STEPS)
    table = beside(frame.assign(method="m", step=2, seed=0))
    assert len(table) == 3 * 2 * 3
    assert (table["trained"] == table["untrained"]).all()
    alone = frame.loc[frame["source"] == "labels", "r2"].tolist()
    assert table.groupby(["algorithm", "iterate"], sort=False)["labels"].first().tolist() == alone
    x, y = prompts.x[:, :-1], prompts.y[:, :-1]  # the last label is hidden from the encoder
    moment, wanted = (y.unsqueeze(-1) * x).mean(1).numpy(), iterates(prompts, CONDITION, STEPS)
    seen = probe(moment, wanted, prompts.covariance.numpy())
    np.testing.assert_allclose(alone, seen["r2"], rtol=1e-6)
