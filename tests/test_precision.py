"""Models in lower precisions, by tokens and by their Gram matrix."""

import pytest

from icnewton.evaluation.measurements.precision import precisions, refused

LSA = "released/normalised_kappa10_noise0/lsa_layers4_seed0"
ENCODER = "released/unnormalised_kappa10_mu0.1/softmax_layers4_seed0"


@pytest.fixture(scope="module")
def table():
    return precisions((4,), 16, trained=(LSA, ENCODER))


def test_both_paths_of_a_model_are_one_function(table):
    exact = table[table["precision"] == "float64"]
    assert (exact["from_float64"] <= 1e-25).all() and not exact["breaks"].any()
    linear = table[table["model"] != ENCODER.removeprefix("released/")]
    assert (linear.groupby(["model", "precision"])["path"].nunique() == 2).all()
    encoder = table[table["model"] == ENCODER.removeprefix("released/")]
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


def test_a_folder_without_a_model_is_refused(tmp_path):
    (complaint,) = refused(trained=(LSA, str(tmp_path)))
    assert complaint == (
        f"trained: expected folders with card.json and weights.safetensors, found {str(tmp_path)!r}"
    )
