"""Studies that are scripts: what they compare is there, and can be trained."""

from dataclasses import replace

import pytest
from studies import beyond, recipes

from icnewton.problems.linear import sample
from icnewton.randomness import generator
from icnewton.training.recipe import Recipe


@pytest.mark.parametrize("panel", recipes.PANELS, ids=lambda panel: panel.family)
def test_recipes_compares_recipes_of_the_package(panel):
    runs = panel.runs()
    assert runs["authors"].recipe == Recipe.named("authors", panel.family)
    assert len({run.recipe for run in runs.values()}) == 3
    assert runs.keys() <= {look.label for look in recipes.LOOKS}


@pytest.mark.parametrize("name", beyond.TRIALS)
def test_a_trial_trains_a_model_that_can_be_judged(monkeypatch, name):
    monkeypatch.setattr(beyond, "FAST", replace(beyond.FAST, steps=6, warmup=1, batch=4))
    beyond.fast.cache_clear()
    trial, depths = beyond.TRIALS[name]
    prompts = sample(beyond.CONDITION, 2, 2, generator("trial"))
    assert beyond.outcome(trial, depths[0], 0, prompts)["median"] > 0
    beyond.fast.cache_clear()
