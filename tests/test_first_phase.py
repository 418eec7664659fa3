"""The first phase of damped Newton: what a step with an error gains, for every decrement."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icnewton.algorithms.damped_newton import damped_step
from icnewton.problems.parts.logistic_loss import loss, newton_step
from icnewton.randomness import generator
from icnewton.theory.bounds import PHASE, phases_error
from icnewton.theory.first_phase import LARGEST, gain, least_gain, relative_error


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 5),
    st.floats(1e-4, 2.0),
    st.floats(0, 30),
    st.floats(0, 0.2),
    st.integers(0, 10**6),
)
def test_no_step_gains_less(d, mu, length, share, seed):
    """From anywhere, with an error of any direction."""
    source = generator("phase", seed)
    x = torch.randn(1, 3 * d, d, generator=source, dtype=torch.float64)
    x = x / x.norm(dim=-1, keepdim=True).clamp_min(1.0)
    y = torch.where(torch.rand(1, 3 * d, generator=source) < 0.5, -1.0, 1.0).double()
    direction, w = torch.nn.functional.normalize(
        torch.randn(2, 1, d, generator=source, dtype=torch.float64), dim=-1
    )
    w, error = length * w, share * math.sqrt(mu / (mu + 0.25))
    decrement = newton_step(w, x, y, mu).decrement.item() / (2 * mu**0.5)
    after = damped_step(w, x, y, mu) + error * direction
    lost = (loss(w, x, y, mu) - loss(after, x, y, mu)).item() / (4 * mu)
    proved = gain(decrement, relative_error(mu, error))
    assert lost >= proved - 1e-9 * (1 + abs(lost))


@given(st.floats(1e-6, 1e3))
def test_no_error_of_the_appendix_is_larger(mu):
    assert relative_error(mu, phases_error(mu)) <= LARGEST * (1 + 1e-12)


def test_the_least_gain_is_at_the_threshold():
    assert least_gain() == pytest.approx(0.012179, abs=1e-6)
    decrements = [PHASE * 1.05**step for step in range(200)]
    gains = [gain(t, LARGEST) for t in decrements]
    assert gains[0] == least_gain() and gains == sorted(gains)
