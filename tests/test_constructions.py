"""Built transformers do what their theorems say: exactly the reference algorithm, in the stated
shape.
"""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.algorithms.newton import newton_inverse
from icnewton.algorithms.parts.chebyshev import chebyshev_inverse
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment, nth
from icnewton.evaluation.measurements.constructions import random_matrices
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator

RELATIVE = 1e-9
KAPPA = st.floats(0, 3).map(lambda exponent: 10.0**exponent)
ORDER = st.sampled_from([2, 3, 4])


def shape_of(transformer):
    """(depth, heads, width) from the weights themselves."""
    first = transformer.layers[0].attention
    inner, width = first.query.weight.shape
    return len(transformer.layers), inner // transformer.config.head_dim, width


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), KAPPA, st.integers(0, 12), st.booleans(), ORDER, st.integers(0, 10**6))
def test_inverse_executes_its_iteration(d, kappa, steps, symmetric, order, seed):
    A = random_matrices(d, kappa, 4, symmetric, generator("test", seed))
    X0 = A.mT + 0.1 * torch.randn(
        4, d, d, generator=generator("start", seed), dtype=torch.float64
    ) / (d * kappa)
    expected = nth(newton_inverse(A, X0, order), steps)
    found = icnewton.build("inverse", d=d, steps=steps, symmetric=symmetric, order=order)(A, X0)
    assert found.dtype == torch.float64
    assert (
        torch.linalg.matrix_norm(found - expected).max()
        <= RELATIVE * torch.linalg.matrix_norm(expected).max()
    )


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 60),
    KAPPA,
    st.integers(0, 12),
    ORDER,
    st.sampled_from([0.0, 0.3]),
    st.integers(0, 10**6),
)
def test_least_squares_executes_its_iteration(d, n, kappa, steps, order, ridge, seed):
    prompts = sample(
        LinearCondition("unnormalised", d, n, kappa, 0.1), 3, 2, generator("test", seed)
    )
    S, b = gram_matrix(prompts.x[:, :-1], ridge), moment(prompts.x[:, :-1], prompts.y)
    alpha = 1 / torch.linalg.eigvalsh(S).max().item() ** 2
    model = icnewton.build(
        "least_squares", d=d, n=n, steps=steps, alpha=alpha, ridge=ridge, order=order
    )
    w = (nth(newton_inverse(S, alpha * S, order), steps) @ b.unsqueeze(-1)).squeeze(-1)
    expected = (prompts.x[:, -1] * w).sum(-1)
    assert (model(prompts.x, prompts.y) - expected).norm() <= RELATIVE * expected.norm()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 60),
    KAPPA,
    st.integers(0, 10),
    st.sampled_from([2, 3]),
    st.sampled_from([0.0, 0.3]),
    st.integers(0, 10**6),
)
def test_chebyshev_executes_its_iteration(d, n, kappa, steps, order, ridge, seed):
    prompts = sample(
        LinearCondition("normalised", d, n + d, kappa, 0.1), 3, 2, generator("test", seed)
    )
    S, b = gram_matrix(prompts.x[:, :-1], ridge), moment(prompts.x[:, :-1], prompts.y)
    spectra = torch.linalg.eigvalsh(S)
    lower, upper = spectra.min().item(), spectra.max().item()
    inside = (max(lower - ridge, lower * 1e-3), upper - ridge)
    sizes = {"d": d, "n": n + d, "steps": steps, "ridge": ridge, "order": order}
    model = icnewton.build("least_squares", **sizes, step="chebyshev", spectrum=inside)
    iterates = chebyshev_inverse(S, inside[0] + ridge, inside[1] + ridge, order)
    w = (nth(iterates, steps) @ b.unsqueeze(-1)).squeeze(-1)
    expected = (prompts.x[:, -1] * w).sum(-1)
    assert (model(prompts.x, prompts.y) - expected).norm() <= RELATIVE * expected.norm()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), KAPPA, st.integers(0, 8), st.sampled_from([2, 3]), st.integers(0, 10**6))
def test_a_chebyshev_inverse_executes_its_iteration(d, kappa, steps, order, seed):
    A = random_matrices(d, kappa, 3, True, generator("test", seed))
    spectrum = (torch.linalg.eigvalsh(A).min().item(), torch.linalg.eigvalsh(A).max().item())
    settings_ = {"d": d, "steps": steps, "order": order, "spectrum": spectrum}
    model = icnewton.build("inverse", symmetric=True, step="chebyshev", **settings_)
    expected = nth(chebyshev_inverse(A, *spectrum, order), steps)
    assert (model(A) - expected).norm() <= RELATIVE * expected.norm()
    assert (model.card.depth, model.card.width) == (1 + steps, (order + 1) * d)
    check = model.check(A)
    assert check.inside
    identity = torch.eye(d, dtype=torch.float64)
    found = torch.linalg.matrix_norm(identity - model(A) @ A, 2)
    torch.testing.assert_close(check.residual, found, rtol=1e-6, atol=1e-12 * kappa)
    with pytest.warns(icnewton.OutsideDomainWarning, match="eigenvalues"):
        model(1.5 * A)


@given(st.integers(1, 20), st.integers(1, 30), st.booleans())
@settings(max_examples=25, deadline=None)
def test_shapes_of_lemma_4_1(d, steps, symmetric):
    model = icnewton.build("inverse", d=d, steps=steps, symmetric=symmetric)
    depth, heads, width = shape_of(model.transformer)
    assert (depth, heads) == (steps if symmetric else 2 * steps, 2)
    assert width == 3 * d if symmetric else width == 4 * d
    assert all(layer.feed_forward is None for layer in model.transformer.layers)
    assert (model.card.depth, model.card.heads, model.card.width, model.card.hidden_width) == (
        depth,
        heads,
        width,
        0,
    )
    assert model.card.layers_per_step == (1 if symmetric else 2)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
@pytest.mark.parametrize(
    ("settings", "per_step", "heads", "width"),
    [
        ({"alpha": 0.1}, 1, 2, lambda d: 4 * d + 2),
        ({"step": "chebyshev", "spectrum": (0.1, 4.0)}, 1, 2, lambda d: 4 * d + 2),
        ({"alpha": 0.1, "order": 4}, 2, 2, lambda d: 4 * d + 2),
        ({"alpha": 0.1, "order": 3}, 1, 6, lambda d: 6 * d + 1),
    ],
)
def test_shapes_of_theorem_4_2(settings, per_step, heads, width, ridge):
    for d, steps in ((1, 1), (5, 4), (10, 7)):
        model = icnewton.build("least_squares", d=d, n=20, steps=steps, ridge=ridge, **settings)
        assert shape_of(model.transformer) == (3 + per_step * steps, heads, width(d))
        assert model.card.layers_per_step == per_step
        assert model.card["depth"] == model.card.depth == 3 + per_step * steps


def test_no_head_is_idle_and_none_is_missing():
    """The heads that the card counts do something in some layer."""
    model = icnewton.build("least_squares", d=4, n=9, steps=2, alpha=0.1, order=3)
    dim = model.transformer.config.head_dim
    for head in range(model.card.heads):
        columns = slice(head * dim, (head + 1) * dim)
        assert any(
            layer.attention.output.weight[:, columns].any() for layer in model.transformer.layers
        )


def test_multiples_share_their_rows_whatever_the_factor():
    """A found bug: (1 / 49) * 49 is not 1, so two multiples of one block were taken for two
    blocks.
    """
    for alpha in (49.0, 0.1, 1e-4 / 3):
        assert icnewton.build("least_squares", d=4, n=9, steps=1, alpha=alpha).card.head_dim == 4


def test_order_three_stays_accurate_long_after_convergence():
    """A found bug: with R <- R^3 written as (R - I)(R - I)^T(R + 2I) an antisymmetric rounding
    error doubled each step.
    """
    prompts = sample(LinearCondition("normalised", 10, 50, 10, 0.1), 8, 4, generator("test"))
    S, b = gram_matrix(prompts.x[:, :-1]), moment(prompts.x[:, :-1], prompts.y)
    alpha = 1 / torch.linalg.eigvalsh(S).max().item() ** 2
    model = icnewton.build("least_squares", d=10, n=50, steps=60, alpha=alpha, order=3)
    expected = (prompts.x[:, -1] * torch.linalg.solve(S, b)).sum(-1)
    assert (model(prompts.x, prompts.y) - expected).norm() <= 1e-11 * expected.norm()


@pytest.mark.parametrize(("layers", "median"), [(5, 5e-4), (6, 1e-10)])
@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_order_3_takes_two_layers_more_than_the_law(layers, median, name):
    """On prompts of kappa = 10, with the spectrum of 2,000 others."""
    condition = LinearCondition("normalised", 10, 50, 10.0, 0.0)
    others = sample(condition, 2000, 1, generator(name))
    calibrated = icnewton.calibrate(others.x, margin=0.0)
    settings_ = {"step": "chebyshev", "order": 3, "spectrum": calibrated.spectrum}
    model = icnewton.build("least_squares", d=10, n=50, steps=layers - 3, **settings_)
    assert model.card.depth == layers
    prompts = sample(condition, 2048, 1, generator("fresh"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rare prompts lie outside
        assert model.error(prompts).median() <= median


def test_chebyshev_needs_fewer_steps_than_newton():
    prompts = sample(LinearCondition("normalised", 10, 50, 10, 0), 16, 4, generator("test"))
    S, b = gram_matrix(prompts.x[:, :-1]), moment(prompts.x[:, :-1], prompts.y)
    spectra = torch.linalg.eigvalsh(S)
    lower, upper = spectra.min().item(), spectra.max().item()
    exact = (prompts.x[:, -1] * torch.linalg.solve(S, b)).sum(-1)

    def error(**settings):
        model = icnewton.build("least_squares", d=10, n=50, steps=5, **settings)
        return (model(prompts.x, prompts.y) - exact).norm()

    assert error(step="chebyshev", spectrum=(lower, upper)) < 1e-3 * error(alpha=1 / upper**2)


def test_trace_shows_named_blocks():
    prompts = sample(LinearCondition("normalised", 3, 8, 5, 0), 2, 1, generator("test"))
    model = icnewton.build("least_squares", d=3, n=8, steps=2, alpha=1e-3)
    streams = model.trace(prompts.x, prompts.y)
    assert len(streams) == model.card.depth + 1
    S = gram_matrix(prompts.x[:, :-1])
    torch.testing.assert_close(streams[1]["S"][:, :3].mT, S)
    torch.testing.assert_close(streams[1]["X"][:, :3].mT, 1e-3 * S)
    torch.testing.assert_close(streams[0]["S"][:, -1], prompts.x[:, -1])


@pytest.mark.parametrize(
    ("family", "settings", "words"),
    [
        ("newton", {}, "family: expected one of damped_newton, gdpp, inverse"),
        ("inverse", {"d": 0, "steps": 1, "symmetric": True}, "d must be at least 1"),
        (
            "inverse",
            {"d": 2, "steps": 1, "symmetric": True, "order": 5},
            "order must be 2, 3 or 4, found 5",
        ),
        ("least_squares", {"d": 2, "n": 4, "steps": 1}, "needs alpha > 0"),
        ("least_squares", {"d": 2, "n": 4, "steps": 1, "alpha": -1.0}, "needs alpha > 0"),
        (
            "least_squares",
            {"d": 2, "n": 4, "steps": 1, "alpha": 1.0, "ridge": -1.0},
            "ridge must not be negative",
        ),
        ("least_squares", {"d": 2, "n": 4, "steps": 1, "step": "chebyshev"}, "needs spectrum"),
        (
            "least_squares",
            {"d": 2, "n": 4, "steps": 1, "step": "chebyshev", "spectrum": (2.0, 1.0)},
            "0 < lower <= upper",
        ),
        (
            "least_squares",
            {"d": 2, "n": 4, "steps": 1, "alpha": 1.0, "step": "secant"},
            "step must be",
        ),
    ],
)
def test_bad_settings_are_refused_in_words(family, settings, words):
    with pytest.raises(ValueError, match=words):
        icnewton.build(family, **settings)


def test_wrong_shapes_are_refused_in_words():
    model = icnewton.build("least_squares", d=2, n=4, steps=1, alpha=1.0)
    with pytest.raises(ValueError, match=r"x must have shape \(batch, 5, 2\), found \(3, 4, 2\)"):
        model(torch.zeros(3, 4, 2), torch.zeros(3, 4))
