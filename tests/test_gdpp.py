"""GD++: its residual polynomial, and the triangle's law, which no condition number enters."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.models.weights import load, save
from icnewton.randomness import generator


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
        ({"d": 2, "gammas": (0.0, 1.0), "etas": (0.5,)}, "finite and not 0"),
        ({"d": 2, "steps": 3, "upper": 1.0, "etas": (9.0,)}, "no steps"),
        ({"d": 2, "steps": 400, "upper": 1.0}, "finite scalars"),
        ({"d": 2, "steps": 20, "upper": 1e-300}, "finite scalars"),
    ],
)
def test_other_settings_are_refused(settings_, words):
    with pytest.raises(ValueError, match=words):
        icnewton.build("gdpp", **settings_)
