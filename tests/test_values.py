"""Values of runs: those that mean something work, whatever kind of number they are; the others are
refused in one sentence.
"""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from icnewton.pipeline.complaints import ConfigError, check
from icnewton.problems.linear import LinearCondition
from icnewton.registry import UnknownEntry
from icnewton.training.curriculum import Curriculum
from icnewton.training.loop import train
from icnewton.training.recipe import Recipe
from icnewton.training.runs import parse_run
from icnewton.typed import schema_of

WHOLE = ("width", "heads", "head_dim", "steps", "batch", "prompts_per_covariance", "warmup")
POSITIVE = (
    "activation_clip",
    "embedding_gain",
    "output_gain",
    "learning_rate",
    "matrix_rate",
    "gradient_clip",
)
STRANGE = (
    math.nan,
    math.inf,
    -math.inf,
    -1,
    -1e-9,
    True,
    "5",
    10**400,
    [1],
    {},
    np.array([1, 2]),
    np.bool_(True),
)
START = vars(Recipe.named("authors").initialisation)
CURRICULUM = {
    "dims": 2,
    "dims_step": 1,
    "points": 4,
    "points_step": 3,
    "every": 10,
    "truncates": "w",
}


@pytest.fixture
def recipe(tiny_run):
    return tiny_run["recipe"]


def assert_refused(make, name):
    with pytest.raises(
        ValueError, match=rf"^{name}(\[\d\])?( must |: expected )[^\n]*, found [^\n]*$"
    ) as caught:
        make()
    assert type(caught.value) in (ValueError, UnknownEntry) and len(str(caught.value)) < 400


@pytest.mark.parametrize("value", STRANGE, ids=repr)
@pytest.mark.parametrize("name", [*WHOLE, *POSITIVE, "hidden_width", "matrix_momentum"])
def test_what_is_no_number_of_a_recipe_is_refused(recipe, name, value):
    assert_refused(lambda: Recipe.parse(recipe | {name: value}), name)
    assert_refused(lambda: replace(Recipe.parse(recipe), **{name: value}), name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in WHOLE for value in (0, 2.5, 0.0, 10**9, None)),
        *((name, value) for name in POSITIVE for value in (0, 0.0, 1e31)),
        *(
            (name, value)
            for name in ("mean_attention", "query_as_key")
            for value in (0, 1, "true", None)
        ),
        *(
            ("betas", value)
            for value in ((), (0.9,), (0.9, 0.9, 0.9), (1, 0.9), (math.nan, 0.9), "ab", 0.9, None)
        ),
        *(
            ("curriculum", value)
            for value in ({}, [], "w", False, {"dims": 1}, CURRICULUM | {"more": 1})
        ),
        ("matrix_momentum", 1),
        ("gradient_clip", 0),
        ("last_rate", 1),
        ("decay_until", 0),
        ("activation", "tanh"),
        ("head_scale", True),
        *(("initialisation", value) for value in ({}, 0.02, START | {"more": 1})),
        ("prompts_per_covariance", 7),
    ],
)
def test_what_a_recipe_cannot_be_is_refused(recipe, name, value):
    assert_refused(lambda: Recipe.parse(recipe | {name: value}), "batch" if value == 7 else name)


@pytest.mark.parametrize(
    "name", ["dims", "dims_step", "points", "points_step", "every", "truncates"]
)
@pytest.mark.parametrize("value", [-1, 1.5, math.nan, math.inf, None, "x ", True])
def test_what_a_curriculum_cannot_be_is_refused(name, value):
    assert_refused(lambda: Curriculum(**CURRICULUM | {name: value}), name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("layers", value) for value in (-1, 1.5, math.nan, "2", None, True, 10**6)),
        *(("seed", value) for value in (-1, 0.5, math.inf, "0", None, 2**31)),
        *(("family", value) for value in ("softmax", "lsa-clip", "", None)),
        *((name, value) for name in ("recipe", "condition") for value in (None, {}, 3, {"d": 1})),
    ],
)
def test_what_a_run_cannot_be_is_refused(tiny_run, name, value):
    assert_refused(lambda: parse_run(tiny_run | {name: value}), name)
    assert_refused(lambda: replace(parse_run(tiny_run), **{name: value}), name)


def test_missing_and_unknown_names_are_refused(tiny_run):
    for name, values in (
        ("run", tiny_run),
        ("recipe", tiny_run["recipe"]),
        ("condition", tiny_run["condition"]),
    ):
        fewer = dict([*values.items()][1:])
        for wrong in (fewer, values | {"more": 1}, None, 3):
            whole = wrong if name == "run" else tiny_run | {name: wrong}
            assert_refused(lambda whole=whole: parse_run(whole), name)


def test_numbers_of_every_kind_give_the_same_run(tiny_run):
    run = parse_run(tiny_run)
    values = {
        "steps": np.int64(60), "batch": 64.0, "width": np.uint8(8),
        "learning_rate": np.float64(run.recipe.learning_rate),
        "query_as_key": np.bool_(run.recipe.query_as_key), "betas": np.array(run.recipe.betas),
    }  # fmt: skip
    other = replace(
        run,
        layers=np.int32(2),
        seed=np.int64(0),
        family=np.str_("lsa"),
        recipe=replace(run.recipe, **values),
    )
    assert (
        other == run
        and repr(other) == repr(run)
        and json.dumps(other.to_json()) == json.dumps(run.to_json())
    )


def test_a_recipe_has_the_limits_of_the_schema(recipe):
    """Values at, just within and just beyond the limits of every key, which the schema and the
    package judge alike.
    """
    properties = schema_of(Recipe)["properties"]
    growth = properties["curriculum"]["properties"]
    for name, rule in [*properties.items(), *growth.items()]:
        limits = [
            rule[key]
            for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
            if key in rule
        ]
        for value in [
            limit + step
            for limit in limits
            for step in (0, *((-1, 1) if limit < 1e9 else (limit,)))
        ]:
            schema_takes = Draft202012Validator(rule).is_valid(value)
            values = (
                {"batch": value}
                if name == "prompts_per_covariance"
                else {"prompts_per_covariance": 1}
            )
            try:
                Recipe.parse(
                    recipe
                    | values
                    | (
                        {"curriculum": CURRICULUM | {name: value}}
                        if name in growth
                        else {name: value}
                    )
                )
                taken = True
            except ValueError:
                taken = False
            assert taken == schema_takes, (name, value)


def test_a_zero_with_a_sign_has_no_name_of_its_own(smoke):
    smoke["runs"][0]["noise"] = [-0.0]
    with pytest.raises(
        ConfigError, match=r"runs\[0\]\.noise\[0\]: expected 0 without a sign, found -0\.0"
    ):
        check(smoke)


@pytest.mark.parametrize(("family", "layers"), [("lsa", 0), ("lsa_ln", 0), ("lsa", 1)])
def test_the_least_run_trains(tmp_path, tiny_run, family, layers):
    run = replace(
        parse_run(tiny_run),
        family=family,
        layers=layers,
        condition=LinearCondition("unnormalised", 1, 1, 1.0, 0.0),
    )
    least = dict.fromkeys((*WHOLE, "embedding_gain"), 1) | {
        "gradient_clip": 1e30,
        "learning_rate": 1e-30,
    }
    model, log = train(
        replace(run, recipe=replace(run.recipe, **least)),
        checkpoint=tmp_path / "c",
        code="",
        say=len,
    )
    assert log[-1][0] == 1 and model.card.depth == layers


@pytest.mark.parametrize("place", ["/proc/none/c", "/dev/null/c", "~nobody-of-this-name/c", "."])
def test_a_checkpoint_that_cannot_be_written_is_refused_before_training(
    tiny_run, monkeypatch, place
):
    monkeypatch.setattr("icnewton.training.loop.start", None)
    with pytest.raises(
        ValueError, match=r"^checkpoint: expected a file that can be written, found [^\n]*$"
    ):
        train(parse_run(tiny_run), checkpoint=place, code="")


def test_a_checkpoint_may_be_named_by_a_string(tmp_path, tiny_run, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    train(parse_run(tiny_run), checkpoint="~/new/folder/checkpoint", code="", say=len)
    assert (tmp_path / "new/folder/checkpoint").is_file()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device", "abacus"),
        ("device", "cuda:7"),
        ("checkpoint_seconds", -1),
        ("checkpoint_seconds", math.nan),
    ],
)
def test_train_refuses_what_it_cannot_do(tmp_path, tiny_run, name, value):
    assert_refused(
        lambda: train(parse_run(tiny_run), checkpoint=tmp_path / "c", code="", **{name: value}),
        name,
    )
