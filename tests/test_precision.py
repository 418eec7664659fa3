"""Models in lower precisions, by tokens and by their Gram matrix."""

import pytest

from icnewton.evaluation.measurements.precision import precisions

LSA = "normalised_kappa10_noise0/lsa_layers4_seed0"
ENCODER = "unnormalised_kappa10_mu0.1/softmax_layers4_seed0"


@pytest.fixture(scope="module")
def table():
    return precisions((4,), 16, trained=(LSA, ENCODER))


def test_both_paths_of_a_model_are_one_function(table):
    exact = table[table["precision"] == "float64"]
    assert (exact["from_float64"] <= 1e-25).all() and not exact["breaks"].any()
    linear = table[table["model"] != ENCODER]
    assert (linear.groupby(["model", "precision"])["path"].nunique() == 2).all()
    encoder = table[table["model"] == ENCODER]
    assert set(encoder["path"]) == {"tokens"} and len(encoder) == 3


def test_rounding_grows_with_the_unit_and_decides_where_an_answer_is_better_than_it(table):
    by_precision = table.pivot_table("from_float64", ["model", "path"], "precision")
    assert (by_precision["float32"] < 1e-9).all()
    assert (by_precision["bfloat16"] > 1e3 * by_precision["float32"]).all()
    cubic = table[(table["model"] == "Chebyshev, order 3") & (table["path"] == "tokens")]
    assert dict(zip(cubic["precision"], cubic["breaks"], strict=True)) == {
        "float64": False,
        "float32": True,
        "bfloat16": True,
    }


def test_a_model_that_is_not_there_is_said_to_be_missing():
    table = precisions((), 16, trained=("nothing/here",))
    assert table["path"].tolist() == ["missing"] and not table["breaks"].any()
