"""The recipe ``authors`` is the training of the paper's public code."""

from dataclasses import replace

import pytest
import torch
from oracles.authors import Authors, grown, rate

from icnewton.problems.linear import LinearCondition
from icnewton.problems.logistic import LogisticCondition
from icnewton.randomness import generator
from icnewton.training.fast.step import quick_answer
from icnewton.training.recipe import Recipe
from icnewton.training.runs import Run
from icnewton.training.step import TrainingState, descend, gradient, start

EVERY, BATCH, STEPS = 6, 12, 50
SHORT = {"batch": BATCH, "prompts_per_covariance": BATCH, "steps": 60, "decay_until": 45}
LINEAR = LinearCondition("unnormalised", 10, 50, 10.0, 0.1)
LOGISTIC = LogisticCondition("bounded", 5, 26, 10.0, 0.1)


def run_of(family, **changes):
    recipe = Recipe.named("authors", family, **SHORT, **changes)
    if recipe.curriculum:
        recipe = replace(recipe, curriculum=replace(recipe.curriculum, every=EVERY))
    return Run(family, LINEAR if recipe.curriculum else LOGISTIC, 3, 0, recipe)


def beside(run) -> tuple[TrainingState, Authors]:
    """The package's training in float64, and the oracle's with the same weights."""
    state = start(run, "cpu")
    state.transformer.double()
    rates = [run.recipe.rate(step) for step in range(run.recipe.steps)]
    state.rates = torch.tensor(rates, dtype=torch.float64)
    for optimizer in state.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["lr"].double()
    weights = {name: w.detach().clone() for name, w in state.transformer.named_parameters()}
    softmax = run.condition.problem == "logistic"
    recipe, norm = run.recipe, run.family != "lsa"
    oracle = Authors(weights, run.layers, recipe.heads, softmax, norm, recipe.activation_clip)
    return state, oracle


def batches(run, step, source):
    """Ours and the oracle's tokens and targets."""
    prompts = run.sample(1, BATCH, source)
    if run.condition.problem == "logistic":
        batch = (run.format.tokens(prompts.x, prompts.y), prompts.target)
        hidden = prompts.y.clone()
        hidden[:, -1] = 0
        return batch, (torch.cat([prompts.x, hidden.unsqueeze(-1)], -1), prompts.target)
    seed = torch.Generator().manual_seed(step)
    same = torch.Generator().manual_seed(step)
    shown = run.recipe.curriculum.apply(prompts, step)
    batch = (run.format.tokens(shown.x, shown.y), run.taught(shown, seed))
    clean = (prompts.x @ prompts.w.unsqueeze(-1)).squeeze(-1)
    last = 0.1 * torch.randn(BATCH, generator=same, dtype=torch.float64)
    noise = torch.cat([prompts.y - clean[:, :-1], last.unsqueeze(1)], 1)
    return batch, grown(prompts.x, prompts.w, noise, step, EVERY)


@pytest.mark.parametrize("family", ["lsa", "lsa_ln", "softmax_hidden"])
def test_fifty_steps_are_those_of_the_public_code(family):
    warmup = 1 if family == "softmax_hidden" else 10
    run = run_of(family, learning_rate=1e-3, warmup=warmup)
    state, oracle = beside(run)
    source, bound = generator("fifty"), run.recipe.gradient_clip or torch.inf
    for step in range(STEPS):
        ours, theirs = batches(run, step, source)
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
        value = float(gradient(run, state.transformer, ours, quick_answer))
        descend(run, state)
        step_rate = rate(step + 1, 1e-3, 5e-4, warmup, 45)
        assert value == pytest.approx(oracle.step(step + 1, *theirs, step_rate, bound), rel=1e-6)
    for name, weight in state.transformer.named_parameters():
        wanted = oracle.weights[name]
        # where softmax cancels a bias, both are rounding
        assert (weight.detach() - wanted).norm() <= 1e-6 * wanted.norm() + 1e-12, name


@pytest.mark.parametrize("family", ["lsa", "lsa_ln", "softmax_hidden"])
def test_the_recipe_is_that_of_the_public_code(family):
    recipe = Recipe.named("authors", family)
    logistic, clipped = family == "softmax_hidden", family == "lsa"
    assert recipe.learning_rate == 1e-4 and recipe.last_rate == 0.5
    assert (recipe.batch, recipe.prompts_per_covariance) == (2000, 2000)
    assert recipe.steps == (1000 if logistic else 100_000)
    assert recipe.gradient_clip == recipe.activation_clip == (10 if clipped else None)
    rates = [recipe.learning_rate * recipe.rate(step) for step in (0, 9999, 89_999, 99_999)]
    wanted = [1e-4 if logistic else 1e-8, 5e-5 if logistic else 1e-4, 5e-5, 5e-5]
    assert rates == pytest.approx(wanted, rel=1e-6)


def test_the_start_is_that_of_the_public_code():
    run = Run("lsa", LINEAR, 6, 0, Recipe.named("authors"))
    weights = dict(run.transformer().named_parameters())
    for name, weight in weights.items():
        if name.startswith("layers"):
            wanted = 0 if name.endswith("bias") else 2e-4
            assert weight.std().item() == pytest.approx(wanted, rel=0.1)
    for name, inputs in (("embedding", 21), ("readout", 64)):
        for kind in ("weight", "bias"):
            weight, bound = weights[f"{name}.{kind}"], inputs**-0.5
            assert weight.abs().max() <= bound
            if weight.numel() >= 64:
                assert weight.abs().max() >= 0.9 * bound
                assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.2)
    encoder = Run("softmax_hidden", LOGISTIC, 1, 0, Recipe.named("authors", "softmax"))
    positions = encoder.transformer().positions
    assert positions.shape == (26, 32) and positions.std().item() == pytest.approx(1, rel=0.1)
