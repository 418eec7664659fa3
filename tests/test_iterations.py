"""Reference algorithms against their definitions and their rates."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev
from scipy.special import comb

from icnewton.algorithms.conjugate_gradient import conjugate_gradient
from icnewton.algorithms.damped_newton import damped_step
from icnewton.algorithms.gradient_descent import gradient_descent
from icnewton.algorithms.newton import newton_inverse, newton_start
from icnewton.algorithms.parts.chebyshev import chebyshev_constants, chebyshev_inverse
from icnewton.algorithms.parts.normal_equations import direct_solve, gram_matrix, moment, nth
from icnewton.evaluation.measurements.constructions import random_matrices
from icnewton.problems.parts import logistic_loss as logistic
from icnewton.randomness import generator


def problem(d=6, kappa=20.0, batch=3, seed=0):
    S = random_matrices(d, kappa, batch, True, generator("S", seed))
    return S, torch.randn(batch, d, generator=generator("b", seed), dtype=torch.float64)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 10), st.integers(1, 8), st.integers(0, 10**6))
def test_one_step_is_the_papers_sum_and_raises_the_residual_to_the_order(order, d, seed):
    A, _ = problem(d, 5.0, 2, seed)
    X = newton_start(A)
    step = nth(newton_inverse(A, X, order), 1)
    terms = [
        (-1) ** m * comb(order, m + 1) * torch.linalg.matrix_power(A @ X, m) for m in range(order)
    ]
    torch.testing.assert_close(step, X @ sum(terms), rtol=1e-8, atol=1e-10)
    eye = torch.eye(d, dtype=torch.float64)
    torch.testing.assert_close(
        eye - step @ A, torch.linalg.matrix_power(eye - X @ A, order), rtol=1e-8, atol=1e-10
    )


def test_two_newton_steps_are_one_of_order_four():
    S, _ = problem()
    X0 = newton_start(S)
    torch.testing.assert_close(nth(newton_inverse(S, X0, 2), 2), nth(newton_inverse(S, X0, 4), 1))


def test_start_rules():
    S, _ = problem()
    spectrum = torch.linalg.eigvalsh(S)
    optimal = newton_start(S, "optimal")
    torch.testing.assert_close(optimal, 2 * newton_start(S, "half"))
    residual = torch.linalg.eigvalsh(torch.eye(6, dtype=torch.float64) - optimal @ S)
    torch.testing.assert_close(
        residual[:, 0], -residual[:, -1]
    )  # the optimal alpha balances both ends
    torch.testing.assert_close(newton_start(S, 0.25), S / 4)
    assert (spectrum > 0).all()


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_chebyshev_residual_is_the_scaled_chebyshev_polynomial(steps, order):
    S, _ = problem(kappa=50.0)
    lower, upper = 0.02, 1.0
    X = nth(chebyshev_inverse(S, lower, upper, order), steps)
    values, vectors = torch.linalg.eigh(S)
    found = (vectors.mT @ (torch.eye(6, dtype=torch.float64) - X @ S) @ vectors).diagonal(
        dim1=-2, dim2=-1
    )
    T = chebyshev.Chebyshev.basis(2 * order**steps)
    centre = (lower + upper) / (upper - lower)
    expected = T((lower + upper - 2 * values.numpy()) / (upper - lower)) / T(centre)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-11)


def test_chebyshev_on_a_point_is_exact_at_once():
    constant, slope, _ = chebyshev_constants(2.0, 2.0)
    assert constant + slope * 2.0 == pytest.approx(0.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10), st.floats(1, 100), st.integers(0, 10**6))
def test_solvers_reach_the_direct_solution(d, kappa, seed):
    S, b = problem(d, kappa, 3, seed)
    exact = direct_solve(S, b)
    assert (nth(conjugate_gradient(S, b), d + 10) - exact).norm() <= 1e-6 * exact.norm()
    for step in ("optimal", "line_search"):
        assert (nth(gradient_descent(S, b, step), 1500) - exact).norm() <= 1e-6 * exact.norm()


def test_converged_iterations_stay_put():
    S, b = (
        torch.eye(2, dtype=torch.float64).unsqueeze(0),
        torch.tensor([[1.0, 2.0]], dtype=torch.float64),
    )
    for iterates in (conjugate_gradient(S, b), gradient_descent(S, b, "line_search")):
        torch.testing.assert_close(nth(iterates, 20), b)


def test_gradient_descent_contracts_at_its_rate():
    S, b = problem(kappa=9.0)
    exact = direct_solve(S, b)
    errors = [(nth(gradient_descent(S, b), t) - exact).norm(dim=-1) for t in (5, 6)]
    assert (errors[1] <= 0.8 * errors[0] * (1 + 1e-9)).all()  # (kappa - 1) / (kappa + 1)


def test_order_one_is_refused():
    S, _ = problem()
    with pytest.raises(ValueError, match="order must be at least 2, found 1"):
        next(newton_inverse(S, S, 1))


def test_algorithms_broadcast_no_batch():
    """Siblings of a found fault: one vector of labels was used for a whole batch of prompts."""
    x, y, w = torch.randn(4, 7, 3), torch.randn(4, 7), torch.randn(4, 3)
    for call in (
        lambda: moment(x, y[:1]),
        lambda: moment(x[:1], y),
        lambda: moment(x, y[:, :1]),
        lambda: next(newton_inverse(gram_matrix(x), gram_matrix(x)[:1])),
        lambda: logistic.loss(w[:1], x, y.sign(), 0.1),
        lambda: logistic.gradient(w, x, y[:1].sign(), 0.1),
        lambda: logistic.hessian(w, x[:1], y.sign(), 0.1),
        lambda: damped_step(w, x, y.sign()[:, :1], 0.1),
        lambda: logistic.minimise(x, y[:1].sign(), 0.1),
    ):
        with pytest.raises(
            ValueError, match=r"must have (the same batch size|shape \(batch, .*\)), found"
        ):
            call()
