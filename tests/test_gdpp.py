"""GD++: its residual polynomial, and the triangle's law, which no condition number enters."""

import math
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.algorithms import ALGORITHMS
from icnewton.algorithms.gdpp import residual
from icnewton.algorithms.parts.normal_equations import gram_matrix
from icnewton.models.weights import load, save
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.theory.minimax import law


def prompts(eigenvalues, n, seed):
    """Noiseless prompts ``(1, n + 1, d)`` whose Gram matrix has the eigenvalues."""
    d, source = len(eigenvalues), generator("gdpp", seed)
    options = {"generator": source, "dtype": torch.float64}
    U = torch.linalg.qr(torch.randn(1, n, d, **options)).Q
    V = torch.linalg.qr(torch.randn(1, d, d, **options)).Q
    A = (U * torch.tensor(eigenvalues, dtype=torch.float64).sqrt()) @ V.mT
    w, a = (torch.randn(1, d, 1, **options) for _ in range(2))
    return torch.cat([A, a.mT], 1), (A @ w).squeeze(-1), w, A, V


SPECTRA = st.lists(st.floats(1e-3, 5.0), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(SPECTRA, st.integers(1, 5), st.integers(0, 9), st.integers(0, 10**6))
def test_the_answer_is_the_polynomial_of_the_gram_matrix(eigenvalues, layers, more, seed):
    draw = torch.rand(2 * layers - 1, generator=generator("scalars", seed)).mul(0.4).tolist()
    gammas, etas = tuple(draw[:layers]), tuple(draw[layers:])
    model = icnewton.build("gdpp", d=len(eigenvalues), gammas=gammas, etas=etas or None)
    x, y, w, _, V = prompts(eigenvalues, len(eigenvalues) + more, seed)
    lam = torch.tensor(eigenvalues, dtype=torch.float64)
    left = torch.ones_like(lam)
    for gamma, eta in zip(gammas, [*etas, 0.0], strict=True):
        left, lam = left * (1 - gamma * lam), lam * (1 - eta * lam) ** 2
    wanted = (x[:, -1:] @ V * (1 - left)) @ (V.mT @ w)
    torch.testing.assert_close(model.answer(x, y), wanted.view(1), rtol=1e-9, atol=1e-9)
    assert (model.card.depth, model.card.heads, model.card.width) == (layers, 1, x.shape[2] + 1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=6), st.integers(1, 6), st.integers(0, 99)
)
def test_the_triangle_leaves_a_residual_of_one_over_three_to_the_layers(shares, layers, seed):
    upper = 7.5
    model = icnewton.build("gdpp", d=len(shares), steps=layers, upper=upper)
    x, y, w, A, _ = prompts([upper * share for share in shares], len(shares) + 3, seed)
    queries = torch.eye(len(shares), dtype=torch.float64).unsqueeze(1)
    x = torch.cat([A.expand(len(shares), -1, -1), queries], 1)
    found = model.answer(x, y.expand(len(shares), -1))
    residual = torch.linalg.vector_norm(A[0] @ found - y[0])
    assert residual <= math.sqrt(upper) * w.norm() / 3**layers * (1 + 1e-9)


def test_the_triangles_law_is_attained():
    """At theta = pi / (2 3^L) the sine of 3^L theta is 1."""
    for layers in range(1, 7):
        upper, theta = 3.0, math.pi / 2 / 3**layers
        model = icnewton.build("gdpp", d=1, steps=layers, upper=upper)
        root = math.sqrt(upper) * math.sin(theta)
        error = model.answer([[[root], [1.0]]], [[root]]).item() - 1
        assert root * abs(error) == pytest.approx(math.sqrt(upper) / 3**layers, rel=1e-12)


def test_a_prompt_beyond_the_bound_is_noticed(tmp_path):
    model = icnewton.build("gdpp", d=2, steps=3, upper=4.0)
    x, y, *_ = prompts([1.0, 4.0], 5, 0)
    assert model.check(x, y).inside
    save(model, tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert torch.equal(loaded(x, y), model(x, y))
    check, error = loaded.check(x, y), (loaded(x, y) - (x[:, -1:] @ solve(x, y)).view(1)).abs()
    torch.testing.assert_close(check.expected_error, error, rtol=1e-9, atol=1e-12)
    with pytest.warns(icnewton.OutsideDomainWarning, match="exceeds 1"):
        loaded(2 * x, 2 * y)


def solve(x, y):
    return torch.linalg.lstsq(x[:, :-1], y.unsqueeze(-1)).solution


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"d": 0, "steps": 1, "upper": 1.0}, "d must be at least 1"),
        ({"d": 2, "steps": 0, "upper": 1.0}, "steps of at least 1"),
        ({"d": 2, "steps": 2, "upper": -1.0}, "upper > 0"),
        ({"d": 2, "upper": 1.0}, "steps of at least 1"),
        ({"d": 2, "gammas": (1.0, 2.0)}, "one fewer of etas"),
        ({"d": 2, "gammas": (1.0,), "steps": 1}, "no steps"),
        ({"d": 2, "steps": 2, "spectrum": (0.0, 1.0)}, "0 < lower <= upper"),
        ({"d": 2, "steps": 2, "spectrum": (1.0, 2.0), "upper": 2.0}, "steps of at least 1"),
        ({"d": 2, "steps": 9, "spectrum": (1.0, 2.0)}, "spectrum and steps up to 8"),
        ({"d": 2, "gammas": (0.0, 1.0), "etas": (0.5,)}, "finite and not 0"),
        ({"d": 2, "steps": 3, "upper": 1.0, "etas": (9.0,)}, "no steps"),
        ({"d": 2, "steps": 400, "upper": 1.0}, "finite scalars"),
        ({"d": 2, "steps": 20, "upper": 1e-300}, "finite scalars"),
    ],
)
def test_other_settings_are_refused(settings_, words):
    with pytest.raises(ValueError, match=words):
        icnewton.build("gdpp", **settings_)


@pytest.mark.parametrize(
    ("kappa", "above"), [(10.0, {1: 1 + 1e-6, 2: 1.01, 3: 20.0}), (100.0, {2: 1.05})]
)
def test_minimax_scalars_come_near_the_law(kappa, above):
    """With one head: at two layers within 5 % of the law of any number of heads."""
    s = torch.linspace(1, kappa, 20_001, dtype=torch.float64)
    for layers, factor in above.items():
        model = icnewton.build("gdpp", d=2, steps=layers, spectrum=(1.0, kappa))
        worst = residual(s, *scalars_of(model)).abs().max().item()
        assert law(layers, 1.0, kappa) * (1 - 1e-9) <= worst <= factor * law(layers, 1.0, kappa)


def scalars_of(model):
    return model.card.origin["gammas"], model.card.origin["etas"]


@pytest.mark.parametrize(
    ("layers", "median"), [(1, 0.3), (2, 3e-2), (3, 5e-4), (4, 5e-7), (5, 5e-12)]
)
def test_fitted_scalars_beat_the_triangle_on_their_prompts(layers, median):
    condition = LinearCondition("normalised", 10, 50, 10.0, 0.0)
    fresh = sample(condition, 2048, 1, generator("fresh"))
    fitted = icnewton.build("gdpp", d=10, **icnewton.fit_gdpp(condition, layers).settings)
    upper = icnewton.calibrate(fresh.x).upper
    triangle = icnewton.build("gdpp", d=10, steps=layers, upper=upper)
    assert fitted.error(fresh).median() <= median
    guarded = icnewton.fit_gdpp(condition, layers, guarded=True)
    careful = icnewton.build("gdpp", d=10, **guarded.settings)
    assert careful.error(fresh).median() <= triangle.error(fresh).median()
    wide = torch.linspace(0, 340, 20_001, dtype=torch.float64)
    assert residual(wide, *guarded).abs().max() <= 1.02
    assert residual(wide, *scalars_of(fitted)).abs().max() > 1.5


def test_descent_is_the_triangle_for_each_prompt():
    condition = LinearCondition("unnormalised", 4, 9, 20.0, 0.1)
    prompts = sample(condition, 3, 1, generator("reference"))
    answers = ALGORITHMS["gdpp"].answers(prompts, condition)
    for layers, found in enumerate(islice(answers, 1, 6), start=1):
        for index in range(3):
            x, y = prompts.x[index : index + 1], prompts.y[index : index + 1]
            upper = icnewton.calibrate(x, margin=0.0).upper
            model = icnewton.build("gdpp", d=4, steps=layers, upper=upper)
            torch.testing.assert_close(model.answer(x, y), found[index : index + 1])


def test_calibration_is_safe_and_says_how():
    condition = LinearCondition("normalised", 5, 30, 10.0, 0.0)
    seen, fresh = (sample(condition, count, 1, generator("x", count)) for count in (64, 500))
    found = icnewton.calibrate(seen.x)
    lower, upper = found.spectrum
    spectra = torch.linalg.eigvalsh(gram_matrix(seen.x[:, :-1]))
    assert lower == pytest.approx(spectra.min().item() / 1.25)
    assert upper == found.upper == pytest.approx(spectra.max().item() * 1.25)
    settings_ = {"steps": 8, "step": "chebyshev", "spectrum": found.spectrum}
    model = icnewton.build("least_squares", d=5, n=30, **settings_)
    assert model.check(seen.x, seen.y).inside
    assert (model.check(fresh.x, fresh.y).residual < 1e-3).double().mean() > 0.9
    scaled = gram_matrix(found.scale * seen.x[:, :-1]).diagonal(dim1=1, dim2=2).mean()
    assert scaled.item() == pytest.approx(30)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.ones(3, 4), "must be"),
        (torch.ones(1, 3, 3), "n at least d"),
        (torch.ones(1, 5, 2), "span all dimensions"),
        (torch.full((1, 5, 2), torch.nan), "finite"),
    ],
)
def test_prompts_without_a_spectrum_are_refused(x, words):
    with pytest.raises(ValueError, match=words):
        icnewton.calibrate(x)
