"""Verdicts that the data decide: laws, floors, rates and trivial rivals."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_claims import evidence_of, facts_of, long_frame, rows_at

import icnewton
from icnewton.claims import Evidence, assess
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.evaluation.responses import Named, responses
from icnewton.problems.linear import LinearCondition, sample
from icnewton.problems.logistic import LogisticCondition
from icnewton.randomness import generator


def answered(*models):
    """Responses of built models, (method, steps, model), on a condition of kappa 5."""
    condition = LinearCondition("normalised", 3, 12, 5.0, 0.0)
    prompts, spectrum = sample(condition, 2, 1, generator("p")), spectrum_of(condition)
    frames = [responses(Named(name, 0, L, model), prompts, spectrum) for name, L, model in models]
    return Evidence({}, {}, {}, {}, responses={"c": pd.concat(frames)})


def test_the_laws_hold_on_built_models_and_a_model_below_breaks_them():
    low, high = spectrum_of(LinearCondition("normalised", 3, 12, 5.0, 0.0))
    models = []
    for L in (1, 2, 3):
        best = icnewton.build("minimax", d=3, steps=L, spectrum=(low, high))
        models.append(("built_minimax", L, best))
        models.append(("built_gdpp", L, icnewton.build("gdpp", d=3, steps=L, upper=high)))
    evidence = answered(*models)
    rows = [row for name in ("law", "triangle law") for row in rows_at(assess(evidence), "c", name)]
    assert [(row.claim, row.verdict) for row in rows] == [
        ("law", "holds"),
        ("law", "holds"),
        ("triangle law", "holds"),
        ("triangle law", "holds"),
    ]
    assert rows[3].measurement[0] == pytest.approx(1, abs=1e-9)
    frame = evidence.responses["c"]
    better = replace(evidence, responses={"c": frame.assign(error=0.99 * frame["error"])})
    for name in ("law", "triangle law"):
        verdicts = [row.verdict for row in rows_at(assess(better), "c", name)]
        assert verdicts == ["fails", "holds"]


def precision_frame(floor):
    """A model that converges in float64 and has an error of ``floor`` in float32."""
    keys = {"model": "Newton", "layers": [5, 9, 5, 9], "path": "tokens"}
    precisions = {"precision": ["float64", "float64", "float32", "float32"]}
    return pd.DataFrame(keys | precisions | {"error": [0.1, 1e-30, 0.1, floor]})


@pytest.mark.parametrize(("floor", "left_out"), [(1e-5, ""), (1e-3, "2"), (1e-1, "1, 2")])
def test_depths_at_which_newton_is_below_the_floor_of_float32_are_left_out(floor, left_out):
    alone = evidence_of({"usual": facts_of()})
    evidence = replace(alone, measurements={"precision": precision_frame(floor)})
    for name in ("S6a", "S7", "order 3"):
        for row in rows_at(assess(evidence), "usual", name):
            words = f"{left_out} layers left out, Newton being below float32's floor of {floor:.2g}"
            assert row.measurement[3].endswith(words) == bool(left_out)
            assert (row.verdict == "not tested at this scale") == (left_out == "1, 2")


def test_both_families_are_held_against_the_same_orders_where_ill_conditioned():
    rows = rows_at(assess(evidence_of({"usual": facts_of()})), "usual", "S7")
    orders = {row.methods: [] for row in rows}
    for row in rows:
        orders[row.methods].append(row.quantity.split("order ")[1][0])
    assert orders == {("lsa",): ["2", "4"], ("lsa_ln",): ["2", "4"]}


@pytest.mark.parametrize(
    ("shallow", "deep", "verdict"), [(0.0101, 0.0101, "fails"), (0.001, 0.0004, "holds")]
)
def test_a_multiple_of_the_mean_of_labelled_examples_is_no_newton(shallow, deep, verdict):
    """A found fault: c mean(y a), here with an excess loss of 0.01, met the criteria."""
    condition = LogisticCondition("bounded", 3, 12, 10, 0.1)
    values = {
        "damped_newton": {0: 1.0, 1: 0.5, 9: 1e-9},
        "logistic_steepest_descent": {1: 0.01},
        "softmax": {1: shallow, 2: deep},
    }
    algorithms = {name: tuple(values[name]) for name in values if name != "softmax"}
    frame = long_frame({"softmax": (1, 2)}, algorithms, ("loss", "excess"))
    excess = np.array([values[row.method][row.step] for row in frame.itertuples()])
    frame["value"] = np.where(frame["quantity"] == "excess", excess, 1 + excess)
    rows = rows_at(assess(Evidence({"c": frame}, {"c": facts_of(condition)}, {}, {})), "c", "S6e")
    assert [row.verdict for row in rows] == [verdict] * 4


def steps_frame(power, gap_power=2):
    """Final distances and gaps that fall with these powers of the error asked for."""
    rows = []
    for error in (1e-2, 1e-3, 1e-4):
        for prompt, step in itertools.product(range(4), range(3)):
            shape = {"mu": 0.1, "d": 5, "width": 43, "hidden_width": round(error**-0.5)}
            shape |= {"layers_per_step": 8, "error": error, "prompt": prompt, "step": step}
            size = (1 + 0.1 * prompt) * (step == 2 or 100)
            found = {"step_error": error / 9, "decrement": 0.01, "distance": size * error**power}
            rows.append(shape | found | {"gap": size * error**gap_power})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("power", "verdict"), [(1.0, "holds"), (0.4, "fails")])
def test_the_rate_of_the_final_distance_is_measured(power, verdict):
    evidence = Evidence({}, {}, {}, {"steps": steps_frame(power)})
    row = rows_at(assess(evidence), "built, mu = 0.1", "T5.1")[0]
    assert row.verdict == verdict and row.measurement[0] == pytest.approx(power)
    assert "random prompts" in row.measurement[3]


def test_rows_on_random_prompts_say_that_they_are_no_supremum():
    measurements = {"steps": steps_frame(1.0)}
    rows = rows_at(assess(Evidence({}, {}, {}, measurements)), "built, mu = 0.1")
    for row in rows:
        if "largest error" in row.quantity or "smallest decrease" in row.quantity:
            assert "of random prompts" in row.measurement[3] or row.verdict.startswith("not tested")
    growth = next(row for row in rows if row.quantity.startswith("p in hidden width"))
    assert growth.verdict == "holds" and growth.measurement[0] == pytest.approx(0.5, abs=0.05)
