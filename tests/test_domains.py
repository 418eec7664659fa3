"""A model says when a prompt lies outside what it was made for, and what can be said of its
answer.
"""

import warnings
from dataclasses import replace

import pytest
import torch
from conftest import LEAST_SQUARES
from hypothesis import given, settings
from hypothesis import strategies as st
from test_logistic import problem

import icnewton
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.evaluation.diabetes import diabetes_prompts
from icnewton.evaluation.measurements.constructions import random_matrices
from icnewton.models.model import OutsideDomain, OutsideDomainWarning
from icnewton.problems.linear import LinearCondition, sample
from icnewton.problems.logistic import LogisticCondition, sample_logistic
from icnewton.randomness import generator

RELEASED = "released/normalised_kappa10_noise0/lsa_layers4_seed0"


def prompts(n=50, count=8, d=10, kappa=10.0):
    return sample(LinearCondition("normalised", d, n, kappa, 0.0), count, 1, generator("domains"))


def assert_outside(model, words, *inputs):
    """The prompts are noticed, and refused where the caller is strict."""
    with pytest.warns(OutsideDomainWarning, match=words):
        model(*inputs)
    with pytest.raises(OutsideDomain, match=words):
        model(*inputs, strict=True)
    check = model.check(*inputs)
    assert not check.inside and words.split()[0] in str(check)


def assert_inside(model, *inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(*inputs, strict=True)
    assert model.check(*inputs).inside


def test_a_spectrum_outside_the_interval_is_noticed():
    """A found fault: on standardised data of 441 patients this model answered 5e161."""
    data = diabetes_prompts(441, 1, generator("test"))
    model = icnewton.build(
        "least_squares", d=10, n=441, steps=6, step="chebyshev", spectrum=(2.0, 300.0)
    )
    assert_outside(
        model, r"eigenvalues of A\^T A in .*, where it was built for \[2, 300\]", data.x, data.y
    )
    assert model.check(data.x, data.y).steps.isinf().all()
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(data.x[:, :-1]))
    interval = (eigenvalues.min().item(), eigenvalues.max().item())
    fitting = icnewton.build(
        "least_squares", d=10, n=441, steps=12, step="chebyshev", spectrum=interval
    )
    assert_inside(fitting, data.x, data.y)
    check = fitting.check(data.x, data.y, tolerance=1e-9)
    assert check.steps.item() <= 12 and check.expected_error.item() < 1e-8
    assert check.spectrum[0].tolist() == pytest.approx(interval)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 8),
    st.floats(1, 30),
    st.integers(0, 7),
    st.sampled_from(LEAST_SQUARES),
    st.sampled_from([0.0, 0.5]),
    st.integers(0, 99),
)
def test_the_expected_error_is_the_error(d, kappa, steps, kind, ridge, seed):
    source = generator("test", seed)
    problems = sample(LinearCondition("normalised", d, 2 * d + 2, kappa, 0.1), 4, 1, source)
    S, b = gram_matrix(problems.x[:, :-1], ridge), moment(problems.x[:, :-1], problems.y)
    spectra = torch.linalg.eigvalsh(S)
    lower, upper = spectra.min().item(), spectra.max().item()
    start = (
        {"spectrum": (lower - ridge, upper - ridge)} if "step" in kind else {"alpha": 1 / upper**2}
    )
    model = icnewton.build(
        "least_squares", d=d, n=2 * d + 2, steps=steps, ridge=ridge, **start, **kind
    )
    exact = (problems.x[:, -1] * torch.linalg.solve(S, b)).sum(-1)
    check = model.check(problems.x, problems.y, tolerance=1e-8)
    assert check.inside
    found = (model(problems.x, problems.y) - exact).abs()
    torch.testing.assert_close(found, check.expected_error, rtol=1e-6, atol=1e-9)
    enough = icnewton.build(
        "least_squares",
        d=d,
        n=2 * d + 2,
        steps=int(check.steps.max()),
        ridge=ridge,
        **start,
        **kind,
    )
    assert (enough.check(problems.x, problems.y).residual <= 1e-8).all()


def test_an_alpha_that_diverges_is_noticed():
    p = prompts()
    largest = torch.linalg.eigvalsh(gram_matrix(p.x[:, :-1])).max().item()
    model = icnewton.build("least_squares", d=10, n=50, steps=3, alpha=2.1 / largest**2)
    assert_outside(model, "1 of 8 prompts lie outside .* alpha = .* converges below", p.x, p.y)
    assert model.check(p.x, p.y).steps.isinf().sum() == 1
    assert_inside(
        icnewton.build("least_squares", d=10, n=50, steps=3, alpha=1.9 / largest**2), p.x, p.y
    )


@pytest.mark.parametrize("kind", [{"order": 2}, {"order": 3}, {"order": 4}])
def test_rank_deficient_prompts_give_the_least_norm_solution_or_are_refused(kind):
    """A found fault: with n = 5, d = 10 and 100 steps the answer was 7e8."""
    p = prompts(n=5)
    examples, query = p.x[:, :-1], p.x[:, -1]
    largest = torch.linalg.eigvalsh(gram_matrix(examples)).max().item()
    expected = (
        query * torch.linalg.lstsq(examples, p.y.unsqueeze(-1), driver="gelsd").solution.squeeze(-1)
    ).sum(-1)
    refused = 0
    for steps in range(12, 120, 4):
        model = icnewton.build(
            "least_squares", d=10, n=5, steps=steps, alpha=1 / largest**2, **kind
        )
        try:
            answer = model(p.x, p.y)
        except ValueError as error:
            assert f"8 of 8 prompts are rank-deficient, and {steps} steps" in str(error)
            refused += 1
        else:
            left = model.check(p.x, p.y).expected_error
            assert ((answer - expected).abs() <= left + 1e-9 * expected.abs().max()).all()
    assert 0 < refused < 27
    ridged = icnewton.build(
        "least_squares", d=10, n=5, steps=100, alpha=1 / largest**2, ridge=0.1, **kind
    )
    exact = torch.linalg.solve(gram_matrix(examples, 0.1), moment(examples, p.y))
    torch.testing.assert_close(ridged(p.x, p.y), (query * exact).sum(-1), rtol=1e-7, atol=1e-7)


def test_inverses_notice_divergence_asymmetry_and_singular_matrices():
    A = random_matrices(4, 10.0, 3, False, generator("test"))
    symmetric = random_matrices(4, 10.0, 3, True, generator("test"))
    model = icnewton.build("inverse", d=4, steps=9, symmetric=False)
    assert_inside(model, A, A.mT)
    check = model.check(A, A.mT)
    assert torch.allclose(
        check.residual, torch.linalg.matrix_norm(torch.eye(4) - model(A, A.mT) @ A, 2)
    )
    assert (
        check.spectrum[:, 1] / check.spectrum[:, 0] - 10
    ).abs().max() < 1e-5 and check.steps.max() <= 11
    assert_outside(model, r"3 of 3 prompts lie outside .* modulus up to", A, 3 * A.mT)
    assert_outside(
        icnewton.build("inverse", d=4, steps=9, symmetric=True), "A must be symmetric", A, A.mT
    )
    assert_inside(icnewton.build("inverse", d=4, steps=9, symmetric=True), symmetric, symmetric)
    singular = A.clone()
    singular[:, :, 0] = singular[:, :, 1]
    with pytest.raises(
        ValueError, match=r"3 of 3 prompts are rank-deficient, and 100 steps of order 2"
    ):
        icnewton.build("inverse", d=4, steps=100, symmetric=False)(singular, singular.mT / 4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (2 * x, y), "8 of 8 prompts lie outside this model's training: .* A.T A"),
        (lambda x, y: (x / 3, y / 3), "8 of 8 prompts lie outside this model's training: .* A.T A"),
        (lambda x, y: (x, 20 * y), r"prompts lie outside this model's training: \|\|y\|\|\^2"),
        (lambda x, y: (torch.cat([x[:, :-1], 9 * x[:, -1:]], 1), y), r"\|\|a_test\|\|\^2"),
        (
            lambda x, y: (torch.cat([x] * 4, 1)[:, -201:], torch.cat([y] * 4, 1)),
            "n = 200 examples, trained on",
        ),
        (
            lambda x, y: (x[:, -11:], y[:, -10:]),
            "n = 10 examples, trained on normalised prompts, n = 50",
        ),
        (lambda x, y: (x * torch.nan, y), "x must be finite, found nan"),
    ],
)
def test_prompts_unlike_those_of_training_are_noticed(change, words):
    """A found fault: with x doubled or n = 200, a released model answered 1e22 to 1e35."""
    model, p = icnewton.load(RELEASED), prompts()
    assert_inside(model, p.x, p.y)
    x, y = change(p.x, p.y)
    with pytest.warns(OutsideDomainWarning, match=words):
        model(x, y)
    with pytest.raises(OutsideDomain, match=words):
        model(x, y, strict=True)


def test_a_learned_model_is_compared_with_least_squares():
    model, p = icnewton.load(RELEASED), prompts()
    check = model.check(p.x, p.y)
    torch.testing.assert_close(
        check.expected_error,
        (model.to(torch.float64)(p.x, p.y) - p.target).abs(),
        atol=1e-3,
        rtol=0,
    )
    assert check.steps.isnan().all() and check.residual.max() < 0.1


def test_what_is_not_finite_cannot_be_checked():
    model, p = icnewton.load(RELEASED), prompts()
    with pytest.raises(ValueError, match=r"y must be finite, found -?inf"):
        model.check(p.x, p.y / 0)


def test_an_encoder_knows_its_training():
    model = icnewton.load("released/bounded_kappa10_mu0.1/softmax_layers6_seed0")
    p = sample_logistic(LogisticCondition("bounded", 5, 26, 10.0, 0.1), 8, 1, generator("domains"))
    assert_inside(model, p.x, p.y)
    assert_outside(model, "prompts lie outside this model's training", 3 * p.x, p.y)
    assert_outside(model, "y must hold -1 and 1 alone", p.x, 2 * p.y)
    check = model.check(p.x, p.y)
    distance = torch.linalg.vector_norm(model(p.x, p.y).double() - p.target, dim=-1)
    assert (distance <= check.expected_error).all()


def test_gadgets_too_coarse_for_any_bound_are_noticed():
    """A found fault: mu = 1e-6 with 64 knots and 10 inner steps was off by 99.6 %."""
    x, y = problem(5, 26, 4)
    model = icnewton.build(
        "damped_newton", d=5, n=26, mu=1e-6, steps=20, knots=64, inner_steps=10, looped=True
    )
    assert_outside(model, "no bound holds for the steps of this model", x, y)
    assert (model.check(x, y).expected_error > 1).all()
    fine = icnewton.build("damped_newton", d=5, n=26, mu=0.1, steps=20, error=1e-4, looped=True)
    assert_inside(fine, x, y)
    assert_outside(
        fine.to(torch.float32), "the bound .* holds in float64, not in torch.float32", x, y
    )
    check = fine.check(x, y)
    assert check.steps.max() < 20 and (check.spectrum[:, 0] >= 0.1 - 1e-12).all()
    descent = icnewton.build(
        "logistic_gradient_descent", d=5, n=26, mu=0.1, steps=100, error=1e-4, looped=True
    )
    assert_inside(descent, x, y)
    assert descent.check(x, y).steps.isfinite().all()


def test_a_domain_is_loaded_with_its_model(tmp_path):
    p = prompts()
    icnewton.save(icnewton.build("least_squares", d=10, n=50, steps=3, alpha=1.0), tmp_path)
    assert_outside(icnewton.load(tmp_path), "lie outside this model's domain", p.x, p.y)


def test_a_model_of_unknown_origin_says_so():
    model, p = icnewton.load(RELEASED), prompts()
    for origin in (
        {},
        {"run": 3},
        {
            "run": {
                "condition": {"protocol": "unnormalised", "d": 3, "n": 50, "kappa": 2, "noise": 0}
            }
        },
    ):
        unknown = replace(model, card=replace(model.card, origin=origin))
        assert_outside(unknown, "the origin in this model's card does not say", p.x, p.y)


def test_prompts_of_training_are_rarely_outside():
    for condition in (
        LinearCondition("normalised", 10, 50, 10.0, 0.1),
        LinearCondition("unnormalised", 3, 12, 10.0, 0.0),
    ):
        from icnewton.domains.learned import departure

        p = sample(condition, 2048, 1, generator("fresh"))
        assert "of 2048 prompts" not in departure(condition, p.x, p.y) or departure(
            condition, p.x, p.y
        ).startswith(("1 ", "2 "))
