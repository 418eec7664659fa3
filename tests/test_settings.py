"""Settings of constructions: numbers of every kind are plain ones, and what is none is refused."""

import json

import numpy as np
import pytest
import torch

import icnewton

PLAIN = {"d": 3, "n": 7, "steps": 2, "alpha": 2.0**-9, "ridge": 0.0}


@pytest.mark.parametrize("convert", [np.float32, np.float64, torch.tensor, np.array, float])
def test_settings_of_any_kind_are_plain_numbers(convert, tmp_path):
    """A found fault: ``alpha=np.float32(2e-3)`` could not be saved, and destroyed the model that
    was there.
    """
    model = icnewton.build(
        "least_squares", **{name: convert(value) for name, value in PLAIN.items()}
    )
    expected = icnewton.build("least_squares", **PLAIN)
    assert json.dumps(model.card.to_json()) == json.dumps(expected.card.to_json())
    icnewton.save(model, tmp_path)
    assert icnewton.load(tmp_path).card.origin == expected.card.origin


@pytest.mark.parametrize(
    ("family", "settings", "error", "words"),
    [
        ("least_squares", PLAIN | {"d": 2.5}, ValueError, "d must be a whole number, found 2.5"),
        (
            "least_squares",
            PLAIN | {"steps": True},
            ValueError,
            "steps must be a whole number, found True",
        ),
        (
            "least_squares",
            PLAIN | {"alpha": float("inf")},
            ValueError,
            "alpha must be a finite number, found inf",
        ),
        (
            "least_squares",
            PLAIN | {"ridge": float("nan")},
            ValueError,
            "ridge must be a finite number, found nan",
        ),
        (
            "least_squares",
            PLAIN | {"alpha": "1e-3"},
            ValueError,
            "alpha must be a finite number, found '1e-3'",
        ),
        (
            "least_squares",
            PLAIN | {"alpha": None, "step": "chebyshev", "spectrum": 3.0},
            ValueError,
            "spectrum must be 2",
        ),
        (
            "least_squares",
            PLAIN | {"alhpa": 1},
            TypeError,
            "expected only the settings d, n, .*, found alhpa",
        ),
        ("least_squares", {"d": 3}, TypeError, "expected the setting n, steps among d, n"),
        (
            "inverse",
            {"d": 3, "steps": 2, "symmetric": "no"},
            ValueError,
            "symmetric must be True or False, found 'no'",
        ),
        (
            "damped_newton",
            {"d": 3, "n": 7, "mu": 1e999, "steps": 1, "error": 0.1},
            ValueError,
            "mu must be a finite number",
        ),
        (
            "logistic_gradient_descent",
            {"d": 3, "n": 7, "mu": 10**400, "steps": 1, "error": 0.1},
            ValueError,
            "mu must be a finite",
        ),
    ],
)
def test_settings_that_are_none_are_refused(family, settings, error, words):
    with pytest.raises(error, match=words):
        icnewton.build(family, **settings)
