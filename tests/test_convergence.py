"""Hundreds of steps beyond convergence, every construction and every iteration stays at
rounding.
"""

import pytest
import torch
from conftest import LEAST_SQUARES
from hypothesis import given, settings
from hypothesis import strategies as st
from test_logistic import problem

import icnewton
from icnewton.algorithms.conjugate_gradient import conjugate_gradient
from icnewton.algorithms.damped_newton import damped_newton
from icnewton.algorithms.gradient_descent import gradient_descent
from icnewton.algorithms.newton import newton_inverse, newton_start
from icnewton.algorithms.parts.chebyshev import chebyshev_inverse
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment, nth
from icnewton.evaluation.measurements.constructions import random_matrices
from icnewton.problems.linear import LinearCondition, sample
from icnewton.problems.parts import logistic_loss as logistic
from icnewton.randomness import generator

STEPS = 300
KAPPA = st.floats(0, 3).map(lambda exponent: 10.0**exponent)
PRECISION = st.sampled_from([torch.float64, torch.float32])


@settings(max_examples=8, deadline=None)
@given(
    st.integers(1, 12),
    KAPPA,
    st.booleans(),
    st.sampled_from([2, 3, 4]),
    PRECISION,
    st.integers(0, 99),
)
def test_inverse_stays(d, kappa, symmetric, order, dtype, seed):
    """A found bug: with R <- R^3 + 2 (I - X A - R), an error of U = R^T doubled in every step."""
    A = random_matrices(d, kappa, 4, symmetric, generator("test", seed)).to(dtype)
    perturbation = torch.randn(A.shape, generator=generator("start", seed)) / (10 * d * kappa)
    model = icnewton.build("inverse", d=d, steps=STEPS, symmetric=symmetric, order=order).to(dtype)
    X = model(A, A.mT + perturbation.to(dtype))
    residual = torch.linalg.matrix_norm(torch.eye(d, dtype=dtype) - X @ A).max().item()
    assert residual <= 20 * d * kappa * torch.finfo(dtype).eps


@settings(max_examples=8, deadline=None)
@given(
    st.integers(1, 12),
    st.floats(1, 100),
    st.sampled_from(LEAST_SQUARES),
    st.sampled_from([0.0, 0.3]),
    PRECISION,
    st.integers(0, 99),
)
def test_least_squares_stays(d, kappa, kind, ridge, dtype, seed):
    """A found bug: in order 3 the query's column was carried along, and its errors were never
    forgotten.
    """
    prompts = sample(
        LinearCondition("normalised", d, 3 * d, kappa, 0.1), 2, 2, generator("test", seed)
    )
    S, b = gram_matrix(prompts.x[:, :-1], ridge), moment(prompts.x[:, :-1], prompts.y)
    spectra = torch.linalg.eigvalsh(S)
    lower, upper = spectra.min().item(), spectra.max().item()
    start = (
        {"spectrum": (lower - ridge, upper - ridge)} if "step" in kind else {"alpha": 1 / upper**2}
    )
    model = icnewton.build(
        "least_squares", d=d, n=3 * d, steps=STEPS, ridge=ridge, **start, **kind
    ).to(dtype)
    exact = torch.linalg.solve(S, b)
    bound = (
        100
        * upper
        / lower
        * torch.finfo(dtype).eps
        * exact.norm(dim=-1)
        * prompts.x[:, -1].norm(dim=-1)
    )
    assert ((model(prompts.x, prompts.y) - (prompts.x[:, -1] * exact).sum(-1)).abs() <= bound).all()


@pytest.mark.parametrize("kappa", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_iterations_stay(kappa, dtype):
    prompts = sample(
        LinearCondition("normalised", 6, 20, kappa, 0.1), 2, 2, generator("test"), dtype
    )
    S, b = gram_matrix(prompts.x[:, :-1]), moment(prompts.x[:, :-1], prompts.y)
    spectra = torch.linalg.eigvalsh(S)
    lower, upper = spectra.min().item(), spectra.max().item()
    exact = torch.linalg.solve(S.double(), b.double())
    inverses = [newton_inverse(S, newton_start(S), order) for order in range(2, 13)]
    inverses += [chebyshev_inverse(S, lower, upper, order) for order in (2, 3)]
    answers = [(nth(iterates, STEPS) @ b.unsqueeze(-1)).squeeze(-1) for iterates in inverses]
    answers.append(nth(conjugate_gradient(S, b), STEPS))
    answers += [
        nth(gradient_descent(S, b, step), 20 * STEPS) for step in ("optimal", "line_search")
    ]
    for w in answers:
        assert (w - exact).norm() <= 100 * upper / lower * torch.finfo(dtype).eps * exact.norm()


@pytest.mark.parametrize("mu", [1.0, 0.1, 0.01])
def test_logistic_models_and_iterations_stay(mu):
    x, y = problem(4, 12, 4)
    minimiser = logistic.minimise(x, y, mu)
    damped = icnewton.build("damped_newton", d=4, n=12, mu=mu, steps=STEPS, error=1e-4, looped=True)
    descent = icnewton.build(
        "logistic_gradient_descent", d=4, n=12, mu=mu, steps=20 * STEPS, error=1e-4, looped=True
    )
    few = icnewton.build("damped_newton", d=4, n=12, mu=mu, steps=30, error=1e-4, looped=True)
    assert (damped(x, y) - few(x, y)).norm(dim=-1).max() <= 1e-12
    assert (damped(x, y) - minimiser).norm(dim=-1).max() <= 1e-4
    assert (descent(x, y) - minimiser).norm(dim=-1).max() <= 1e-4 / mu
    assert (nth(damped_newton(x, y, mu), STEPS) - minimiser).norm(dim=-1).max() <= 1e-11
