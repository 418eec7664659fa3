"""The paper's bounds, the functions of App. E.1, and laws fitted to frames."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.differentiate import derivative

from icnewton.evaluation.laws import (
    cost_of_squaring,
    fit_line,
    iterated_logarithm,
    layers_needed,
    width_exponent,
)
from icnewton.evaluation.measurements.activations import activation_errors
from icnewton.theory import bounds, decrease


def test_bounds_at_a_point():
    assert bounds.condition_number(0.01) == pytest.approx(26)
    k = 2 * math.log2(3.5) + math.log2(math.log2(1.1**3 / (1e-8 * 1e-2)))
    assert bounds.depth(0.1, 1e-4) == pytest.approx(11 + 2 * k)
    assert bounds.width(5, 0.1, 1e-4) > 1e20
    assert bounds.phases_error(1.0) == 0.01 and bounds.phases_error(0.01) == pytest.approx(
        0.04 * 0.01 / 1.01
    )
    assert bounds.distance(1.0, 1e-2) == pytest.approx(math.sqrt(0.005))


@pytest.mark.parametrize("c", [-0.05, 0.0, 0.005])
def test_slope_is_the_derivative_of_h(c):
    x = np.linspace(bounds.PHASE, 1, 9)
    found = derivative(lambda t: decrease.h(t, np.full_like(t, c), 1e-4), x, initial_step=1e-3).df
    np.testing.assert_allclose(decrease.slope(x, np.full_like(x, c), 1e-4), found, rtol=1e-6)


@pytest.mark.parametrize("square", [0.0, 1e-4, 1e-3])
def test_enclosures_hold_at_random_points_and_are_tight(square):
    source = np.random.default_rng(0)
    x, c = (
        source.uniform(bounds.PHASE, 1, 10**5),
        source.uniform(-decrease.SLOPE_RANGE, decrease.SLOPE_RANGE, 10**5),
    )
    y = source.uniform(-decrease.VALUE_RANGE, decrease.VALUE_RANGE, 10**5)
    slope, value = decrease.slope_enclosure(1000, square), decrease.value_enclosure(10**4, square)
    largest = np.nanmax(decrease.slope(x, c, square))
    assert largest <= slope < largest + 5e-3
    highest = np.nanmax(decrease.h(np.full_like(y, bounds.PHASE), y, square))
    assert highest <= value < highest + 5e-4
    assert slope < 0 and value < -bounds.DECREASE


def test_layers_needed_and_its_fit():
    accuracy = 10.0 ** -np.arange(1, 7)
    rows = [
        {
            "error": 1e-6,
            "step": t,
            "prompt": i,
            "layers_per_step": 9,
            "distance": 10.0 ** -(2.0**t) / (1 + i),
        }
        for t in range(4)
        for i in range(3)
    ]
    needed = layers_needed(pd.DataFrame(rows))
    assert list(needed["layers"][:5]) == [0, 9, 18, 18, 27]
    cost = cost_of_squaring(needed)
    assert len(cost) == 4 and (cost == 1).all()
    line = fit_line(iterated_logarithm(accuracy), 3 + 2 * iterated_logarithm(accuracy))
    assert (
        line.slope == pytest.approx(2)
        and line.intercept == pytest.approx(3)
        and line.residual < 1e-12
    )


def test_width_exponent_of_an_exact_law():
    widths, source = [100, 200, 400, 800], np.random.default_rng(0)
    rows = [
        {"hidden_width": w, "prompt": i, "step_error": w**-2.0 * f}
        for i, f in enumerate(source.uniform(1, 2, 20))
        for w in widths
    ]
    exponent, low, high = width_exponent(pd.DataFrame(rows))
    assert (
        exponent == pytest.approx(0.5) and low == pytest.approx(0.5) and high == pytest.approx(0.5)
    )


def test_powers_of_relu_gain_a_power_of_the_width_each():
    errors = activation_errors(0.1, (64, 128))
    by = errors.pivot(index="activation", columns="neurons", values="error")
    gained = np.log2(by[64] / by[128])
    for order, name in enumerate(("ReLU", "squared ReLU", "cubed ReLU"), start=1):
        assert gained[name] == pytest.approx(order + 1, abs=0.1)
