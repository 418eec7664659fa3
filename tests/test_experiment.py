"""The configuration: every problem at once, in plain words, before any job starts."""

import copy
import itertools
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from icnewton.pipeline.complaints import ConfigError, check
from icnewton.pipeline.schema import merged, overlays
from icnewton.training.runs import parse_run


def complaints(config):
    with pytest.raises(ConfigError) as error:
        check(config)
    return str(error.value)


STUDIES = sorted(map(str, Path("studies").glob("*.yaml")))


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper", "published", "full", *STUDIES])
def test_every_scale_and_study_is_valid(scale):
    experiment = check(merged(scale))
    runs = experiment.runs
    assert runs and all(parse_run(run.to_json()) == run for run in runs.values())


def test_the_full_scale_has_its_budget():
    experiment = check(merged("full"))
    lsa = experiment.runs["unnormalised_kappa10_noise0/lsa_layers6_seed0"]
    recipe = lsa.recipe
    assert (lsa.condition.d, lsa.condition.n, recipe.width, recipe.heads) == (10, 50, 64, 4)
    assert (recipe.batch, recipe.steps, recipe.activation_clip, recipe.gradient_clip) == (
        2000,
        100_000,
        10,
        10,
    )
    names = {name.split("_seed")[0] for name in experiment.runs}
    for kappa in (5, 10):
        for noise in ("0", "0.1"):
            assert {
                f"unnormalised_kappa{kappa}_noise{noise}/lsa_layers{L}" for L in range(1, 7)
            } <= names
    assert {f"unnormalised_kappa10_noise0/lsa_ln_layers{L}" for L in (1, 3, 5, 7, 10, 12)} <= names
    assert {f"unnormalised_kappa100_noise0.1/lsa_ln_layers{L}" for L in range(1, 7)} <= names


def test_the_full_scale_has_the_logistic_grid():
    experiment = check(merged("full"))
    runs = experiment.runs
    deep = runs["unnormalised_kappa10_mu0.1/softmax_hidden_layers40_seed0"]
    assert (deep.condition.d, deep.condition.n, deep.recipe.width, deep.recipe.heads) == (
        5,
        26,
        32,
        4,
    )
    for kappa in (1, 10, 50):
        for mu in ("0.1", "0.01", "0.001"):
            for layers in (0, 1, 6, 12, 15, 20):
                assert {
                    f"bounded_kappa{kappa}_mu{mu}/{f}_layers{layers}_seed0"
                    for f in ("softmax_hidden", "softmax_truth")
                } <= set(runs)
    for name, condition in experiment.conditions.items():
        assert ("_mu" in name) == (condition.problem == "logistic")


def test_the_paper_scale_has_the_paper_s_grid():
    names = {name.split("_seed")[0] for name in check(merged("paper")).runs}
    for family, kappas in (("lsa", (5, 10)), ("lsa_ln", (5, 10, 20, 50, 100))):  # Figures 8, 9
        for kappa, noise, layers in itertools.product(kappas, ("0", "0.1"), range(1, 7)):
            assert f"normalised_kappa{kappa}_noise{noise}/{family}_layers{layers}" in names
    assert {f"normalised_kappa1_noise0/lsa_layers{L}" for L in range(1, 7)} <= names
    assert {f"normalised_kappa10_noise0/lsa_ln_layers{L}" for L in (1, 3, 5, 7, 10, 12)} <= names
    assert {
        f"unnormalised_kappa10_mu0.1/softmax_layers{L}" for L in (1, 2, 4, 8, 12, 20, 40)
    } <= names


def test_scales_extend_scales_and_files(tmp_path):
    for name, base in (("one", "two"), ("two", str(tmp_path / "three.yaml")), ("three", None)):
        text = f"extends: {base}\n" if base else "device: cpu\n"
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    for scale in ("one", str(tmp_path / "one.yaml")):
        names = [path.rpartition("/")[2] for path in overlays(scale, tmp_path)]
        assert names == ["three.yaml", "two.yaml", "one.yaml"]
    (tmp_path / "three.yaml").write_text("extends: one\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"one\.yaml: expected extends to end somewhere"):
        overlays("one", tmp_path)


def test_five_problems_are_told_at_once(smoke):
    config = copy.deepcopy(smoke)
    config["problems"]["linear"] |= {"d": 0, "colour": "red"}
    config["runs"][0]["kappa"] = [0.5]
    config["recipes"] = {"fast": {"lsa": {"learning_rate": "1e-3"}}}
    config["device"] = "tpu"
    del config["evaluation"]["prompts"]
    config["figures"]["figure2"]["panels"][0]["models"] = {"lsa": [7]}
    message = complaints(config)
    for line in (
        "figures.figure2: expected models that some entry of runs trains, found lsa with 7 layers",
        "problems.linear.d: expected at least 1, found 0",
        "problems.linear: expected only the keys d, n, found 'colour'",
        "runs[0].kappa[0]: expected at least 1, found 0.5",
        "recipes.fast.lsa.learning_rate: expected a value of type number, found '1e-3'",
        "device: expected one of auto, cpu, cuda, found 'tpu'",
        "evaluation: expected the key 'prompts', found none",
    ):
        assert line in message


def test_contradictions_are_told_in_words(smoke):
    config = copy.deepcopy(smoke)
    config["problems"] = {"linear": {"d": 9, "n": 4}}
    config["runs"][1]["set"]["batch"] = 10
    config["figures"]["figure2"]["panels"][0]["models"]["lsa"] = [1, 7]
    config["figures"]["figure4"]["conditions"] = ["normalised_kappa99_noise0"]
    message = complaints(config)
    too_few = (
        "problems.linear.n: expected at least d = 9, "
        "because least squares is solved directly, found 4"
    )
    assert too_few in message
    assert "runs[1]: batch must be a multiple of prompts_per_covariance, 8, found 10" in message
    assert (
        "figures.figure2: expected models that some entry of runs trains, found lsa with 7 layers"
        in message
    )
    assert (
        "figures.figure4.conditions: expected one of" in message
        and "'normalised_kappa99_noise0'" in message
    )


def test_problems_of_the_logistic_half_are_named(smoke):
    config = copy.deepcopy(smoke)
    config["constructions"]["damped_newton"]["set"]["error"] = 1.0
    config["measurements"]["steps"]["conditions"][0]["mu"] = 0
    config["runs"][3] |= {"family": "lsa", "recipe": "secret", "problem": "logistic"}
    config["runs"][4]["noise"] = [0.1]
    config["figures"]["figure1"]["conditions"] = ["normalised_kappa10_noise0"]
    config["figures"]["figure4"]["conditions"] = ["bounded_kappa10_mu0.1"]
    del config["figures"]["figure7"]["panels"]
    message = complaints(config)
    for line in (
        "constructions.damped_newton.set.error: expected at most 0.134 at mu = 0.1, found 1.0",
        "measurements.steps: mu must be a number from 1e-09 to 1000000, found 0",
        "runs[3].family: expected a family that answers logistic problems, found 'lsa'",
        "runs[4]: expected only",
        "found noise",
        "figures.figure1: expected a logistic condition, found 'normalised_kappa10_noise0'",
        "figures.figure4: expected a linear condition, found 'bounded_kappa10_mu0.1'",
        "figures.figure7: expected the key panels, found none",
    ):
        assert line in message, line


def test_settings_that_are_no_mapping_are_refused_once(smoke):
    config = copy.deepcopy(smoke)
    config["runs"][0]["set"] = [config["runs"][0]["set"]]
    assert "has 1 problem:" in complaints(config)


def test_an_unknown_recipe_and_algorithm_are_named(smoke):
    config = copy.deepcopy(smoke)
    config["runs"][0]["recipe"] = "secret"
    known = "expected one of authors, fast, unnormalised, found 'secret'"
    assert f"runs[0]: recipe: {known}" in complaints(config)
    config["runs"][0]["recipe"] = "mine"
    config["recipes"] = {"mine": {"softmax": {}}}
    assert "recipe: expected one for lsa, found 'mine', which is for softmax" in complaints(config)
    config["recipes"] = {"mine": {"lsa": {"steps": 5}}}
    assert "runs[0]: recipe must have the key hidden_width, mean_attention" in complaints(config)
    config = copy.deepcopy(smoke)
    config["figures"]["figure2"]["panels"][0]["algorithms"] = ["newton77"]
    assert "algorithms[0]: expected one of bayes, chebyshev, conj" in complaints(config)
    config["figures"]["figure2"]["panels"][0]["algorithms"] = ["damped_newton"]
    assert "figure2: expected algorithms for linear problems, found damped" in complaints(config)


def test_figures_and_runs_that_cannot_be_are_named(smoke):
    config = copy.deepcopy(smoke)
    config["runs"].append(copy.deepcopy(config["runs"][0]))
    config["runs"][0]["noise"] = [float("nan")]
    config["figures"]["headline"]["conditions"] = ["unnormalised_kappa5_noise0.1"]
    config["figures"]["similarity"]["panels"] *= 2
    config["figures"]["figure4"]["panels"][0]["steps"] = 9
    config["figures"]["figure9"]["panels"][0]["models"] = {}
    message = complaints(config)
    for line in (
        "runs[0].noise[0]: expected a finite number, found nan",
        "figures.headline: expected a condition for which something is built, "
        "found 'unnormalised_kappa5_noise0.1'",
        "figures.similarity.panels: expected one panel for a figure of kind similarity, found 2",
        "figures.figure4: expected at most 6 steps",
        "figures.figure9.panels[0].models:",
    ):
        assert line in message, line
    config = copy.deepcopy(smoke)
    config["runs"].append(copy.deepcopy(config["runs"][0]))
    assert (
        "runs: expected each model once, found normalised_kappa10_noise0/lsa_layers1_seed0 2 times"
        in complaints(config)
    )


def test_snakemake_tells_the_problems_and_starts_no_job(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(
        yaml.safe_dump(
            {"scale": "smoke", "device": "abacus", "problems": {"linear": {"d": 3, "n": 1}}}
        ),
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--cores",
        "1",
        "--configfile",
        str(overlay),
    ]
    result = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "device: expected one of auto, cpu, cuda, found 'abacus'" in output
    assert "problems.linear.n: expected at least d = 3" in output
    assert "Traceback" not in output and "Job stats" not in output


TEN_LINES = """
runs:
  - {family: lsa, protocol: normalised, kappa: [10], layers: [1, 2], evaluate_on: [{d: 5}]}
figures:
  mine:
    kind: curves
    conditions: [normalised_kappa10_noise0]
    panels: [{models: {lsa: [1, 2]}, algorithms: [newton2]}]
"""


def test_an_experiment_may_be_small(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(TEN_LINES, encoding="utf-8")
    experiment = check(merged(str(path)))
    assert list(experiment.conditions) == ["normalised_kappa10_noise0"]
    assert list(experiment.algorithms("linear")) == ["newton2"]
    assert [*experiment.tested] == ["normalised_kappa10_noise0", "normalised_kappa10_noise0_d5"]
    assert experiment.figures()["mine"]["section"] == "6. Beyond the paper"
    assert not experiment.algorithms("logistic")
    assert not experiment.built(next(iter(experiment.tested)))


def test_null_takes_a_figure_away(tmp_path):
    path = tmp_path / "fewer.yaml"
    path.write_text("extends: smoke\nfigures: {figure2: null}\n", encoding="utf-8")
    fewer = check(merged(str(path))).figures()
    assert fewer.keys() == check(merged("smoke")).figures().keys() - {"figure2"}


def test_everything_that_is_missing_is_asked_for_at_once(tmp_path):
    path = tmp_path / "less.yaml"
    path.write_text("runs: [{family: lsa}]\nfigures: {mine: {}}\n", encoding="utf-8")
    message = complaints(merged(str(path)))
    assert "runs[0]: expected the key 'protocol', 'kappa', 'layers', found none" in message
    assert "figures.mine: expected the key 'kind', found none" in message


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([{"d": 11}], "evaluate_on: expected at most the models' d = 3, found d = 11"),
        ([{"colour": 1}], "evaluate_on: expected only d, kappa, n, noise, protocol, found colour"),
        ([{"kappa": 0.5}], "kappa must be a number from 1 to"),
        ([{"protocol": "bounded"}], "protocol must be one for linear problems, found 'bounded'"),
        ([{"protocol": "bund"}], "protocol: expected one of bounded, normalised, unnormalised"),
    ],
)
def test_conditions_of_other_evaluations_are_checked(smoke, others, words):
    smoke["runs"][0]["evaluate_on"] = others
    assert f"runs[0]: {words}" in complaints(smoke)
