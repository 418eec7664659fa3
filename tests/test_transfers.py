"""Models that are evaluated on conditions that they were not made for."""

import pytest
import torch

from icnewton.evaluation.answers import fewer
from icnewton.pipeline.complaints import ConfigError, check
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator


def test_built_models_and_trained_ones_are_tested_on_the_same_conditions(smoke):
    experiment = check(smoke)
    home, harder = "normalised_kappa10_noise0", "normalised_kappa50_noise0"
    assert [*experiment.tested] == [home, harder] and harder not in experiment.conditions
    runs = [f"{home}/lsa_layers{layers}_seed0" for layers in (1, 2)]
    assert experiment.transfers == {home: runs, harder: runs}
    assert experiment.built_transfers == {home: {home: ["minimax"]}, harder: {home: ["minimax"]}}


def test_a_condition_is_tested_once_though_it_is_named_again(smoke):
    smoke["runs"][0]["evaluate_on"] = smoke["constructions"]["minimax"]["evaluate_on"] = [
        {"protocol": "normalised"},
        {"kappa": 50},
    ]
    experiment = check(smoke)
    assert [len(runs) for runs in experiment.transfers.values()] == [2, 2]
    assert [*experiment.built_transfers["normalised_kappa10_noise0"].values()] == [["minimax"]]


def test_fewer_prompts_are_the_first_of_each_covariance():
    prompts = sample(LinearCondition("normalised", 3, 9, 5.0, 0.0), 4, 5, generator("p"))
    few = fewer(prompts, 2)
    assert few.covariance.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert torch.equal(few.x, prompts.x[[0, 1, 5, 6, 10, 11, 15, 16]])
    assert fewer(prompts, None) is prompts and len(fewer(prompts, 9).x) == 20


def test_a_figure_of_a_measurement_has_no_words_of_conditions(smoke):
    """A found fault: a new condition of tests drew figures again that show none."""
    experiment = check(smoke)
    assert experiment.tested and not experiment.words("width_law")["conditions"]
    assert experiment.words("robustness")["conditions"].keys() == experiment.tested.keys()


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([{"n": 5}], "evaluate_on: expected d = 3 and n = 12, as built, found d = 3 and n = 5"),
        ([{"colour": 1}], "evaluate_on: expected only d, kappa, n, noise, protocol, found colour"),
    ],
)
def test_conditions_of_other_evaluations_of_built_models_are_checked(smoke, others, words):
    smoke["constructions"]["minimax"]["evaluate_on"] = others
    with pytest.raises(ConfigError, match=f"constructions.minimax: {words}"):
        check(smoke)
