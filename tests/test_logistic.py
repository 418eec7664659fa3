"""The logistic loss in closed form against automatic differentiation, and its reference
algorithms.
"""

from itertools import islice, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from icnewton.algorithms.damped_newton import damped_newton, damped_step
from icnewton.algorithms.logistic_gradient_descent import logistic_gradient_descent
from icnewton.algorithms.logistic_steepest_descent import logistic_steepest_descent
from icnewton.algorithms.parts.normal_equations import nth
from icnewton.problems.parts import logistic_loss as logistic


def problem(d, n, batch=8, seed=0, scale=1.0):
    """Separable prompts with rows of norm at most ``scale``."""
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, n, d, generator=source, dtype=torch.float64)
    x = scale * x / torch.linalg.vector_norm(x, dim=-1).amax(-1).view(-1, 1, 1)
    w = torch.randn(batch, d, generator=source, dtype=torch.float64)
    return x, torch.where((x @ w.unsqueeze(-1)).squeeze(-1) > 0, 1.0, -1.0).double()


@given(d=st.integers(1, 6), n=st.integers(1, 12), mu=st.floats(1e-3, 1), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_closed_forms_are_the_derivatives_of_the_loss(d, n, mu, seed):
    x, y = problem(d, n, 1, seed)
    w = torch.randn(1, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    g = torch.func.grad(lambda v: logistic.loss(v, x, y, mu).sum())(w)
    H = torch.func.hessian(lambda v: logistic.loss(v[None], x, y, mu).sum())(w[0])
    assert torch.allclose(logistic.gradient(w, x, y, mu), g, atol=1e-13)
    assert torch.allclose(logistic.hessian(w, x, y, mu)[0], H, atol=1e-13)
    direction, decrement = logistic.newton_step(w, x, y, mu)
    assert decrement.item() == pytest.approx(
        (g[0] @ torch.linalg.solve(H, g[0])).sqrt().item(), abs=1e-12
    )
    assert torch.allclose(
        damped_step(w, x, y, mu), w - direction * 2 * mu**0.5 / (2 * mu**0.5 + decrement)
    )


def test_large_margins_stay_finite():
    x, y = problem(3, 5)
    w = 1e4 * torch.ones(8, 3, dtype=torch.float64)
    for value in (
        logistic.loss(w, x, y, 0.1),
        logistic.gradient(w, x, y, 0.1),
        logistic.hessian(w, x, y, 0.1),
    ):
        assert value.isfinite().all()


@given(
    d=st.integers(1, 8),
    n=st.integers(1, 40),
    mu=st.sampled_from([1.0, 0.1, 0.01, 1e-3]),
    scale=st.sampled_from([1.0, 30.0]),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_the_minimiser_has_a_vanishing_gradient(d, n, mu, scale, seed):
    x, y = problem(d, n, 8, seed, scale)
    w = logistic.minimise(x, y, mu)
    assert torch.linalg.vector_norm(logistic.gradient(w, x, y, mu), dim=-1).max().item() <= 1e-12


def test_descent_methods_descend_to_the_minimiser():
    x, y = problem(4, 20)
    best = logistic.loss(logistic.minimise(x, y, 0.1), x, y, 0.1)
    for method in (logistic_gradient_descent, logistic_steepest_descent, damped_newton):
        losses = [logistic.loss(w, x, y, 0.1) for w in islice(method(x, y, 0.1), 60)]
        assert all((after <= before + 1e-15).all() for before, after in pairwise(losses))
        assert (losses[-1] - best).max().item() < 1e-5, method
    w = nth(damped_newton(x, y, 0.1), 12)
    assert torch.allclose(w, logistic.minimise(x, y, 0.1), atol=1e-12)


def test_labels_cost_in_proportion_to_the_batch():
    x, y = problem(5, 26, 10)
    operations = []
    for copies in (1, 20):
        with FlopCounterMode(display=False) as counter:
            logistic.minimise(x.repeat(copies, 1, 1), y.repeat(copies, 1), 0.1)
        operations.append(counter.get_total_flops())
    assert operations[1] == 20 * operations[0]
