"""The minimax law: a transformer attains it, and no linear attention model lies below it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.algorithms.parts.chebyshev import chebyshev_residual
from icnewton.algorithms.parts.extremal import degree
from icnewton.algorithms.parts.normal_equations import direct_solve, gram_matrix, moment
from icnewton.models.config import TransformerConfig
from icnewton.models.learned_formats import RegressionFormat
from icnewton.models.model import assemble
from icnewton.models.transformer import Transformer
from icnewton.randomness import generator
from icnewton.theory import minimax, triangle

ROUNDING = {1: 1e-13, 2: 1e-13, 3: 1e-12, 4: 1e-11}  # of the construction, by layers


def prompts(spectra, n, seed):
    """Noiseless prompts ``(batch, n + 1, d)`` with the spectra, unit queries and weights."""
    (batch, d), source = spectra.shape, generator("minimax", seed)
    options = {"generator": source, "dtype": torch.float64}
    U = torch.linalg.qr(torch.randn(batch, n, d, **options)).Q
    V = torch.linalg.qr(torch.randn(batch, d, d, **options)).Q
    A = (U * spectra.sqrt().unsqueeze(1)) @ V.mT
    w, a = torch.nn.functional.normalize(torch.randn(2, batch, d, **options), dim=-1)
    y = (A @ w.unsqueeze(-1)).squeeze(-1)
    return torch.cat([A, a.unsqueeze(1)], 1), y, w, V


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 4),
    st.floats(1, 1e3),
    st.floats(1e-2, 1e2),
    st.integers(0, 9),
    st.integers(0, 10**6),
)
def test_the_answer_is_the_chebyshev_polynomial(d, layers, kappa, lower, more, seed):
    upper = lower * kappa
    shares = torch.rand(3, d, generator=generator("spectra", seed), dtype=torch.float64)
    spectra = lower + (upper - lower) * shares
    x, y, w, V = prompts(spectra, d + more, seed)
    model = icnewton.build("minimax", d=d, steps=layers, spectrum=(lower, upper))
    left = chebyshev_residual(spectra, degree(layers), lower, upper)
    along = (x[:, -1:] @ V).squeeze(1) * (w.unsqueeze(1) @ V).squeeze(1)
    wanted = (along * (1 - left)).sum(-1)
    torch.testing.assert_close(model(x, y), wanted, rtol=0, atol=ROUNDING[layers])
    card, before = model.card, (3 ** (layers - 1) + 1) // 2
    assert (card.depth, card.width) == (layers, before * (d + 1) + 1)
    assert card.heads == min(layers, 2)
    check = model.check(x, y)
    assert check.inside
    exact = (x[:, -1] * w).sum(-1)
    error = (model(x, y) - exact).abs()
    torch.testing.assert_close(check.expected_error, error, rtol=0, atol=ROUNDING[layers])


@pytest.mark.parametrize("kappa", [4.0, 10.0, 100.0])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_the_law_is_attained(kappa, layers):
    """The worst of 4,000 spectra has it within 1e-4, or within rounding of answers of size 1."""
    d = 4
    first = torch.linspace(1, kappa, 4000, dtype=torch.float64).unsqueeze(1)
    others = torch.rand(4000, d - 1, generator=generator("others"), dtype=torch.float64)
    x, y, _, V = prompts(torch.cat([first, 1 + (kappa - 1) * others], 1), 9, 0)
    direction = V[:, :, 0]  # query and weights along the first eigenvector
    x[:, -1], y = direction, (x[:, :-1] @ direction.unsqueeze(-1)).squeeze(-1)
    model = icnewton.build("minimax", d=d, steps=layers, spectrum=(1.0, kappa))
    worst, law = (model(x, y) - 1).abs().max().item(), minimax.law(layers, 1.0, kappa)
    assert worst == pytest.approx(law, rel=1e-4, abs=3e-13)


def assert_above(model, layers, d, n, lower, upper):
    """A model errs by the laws or more on one of the prompts that the proofs make."""
    found = minimax.witness(layers, lower, upper, d, n)
    worst = (model(found.x, found.y) - found.target).abs().max().item()
    assert worst >= minimax.law(layers, lower, upper) * (1 - 1e-9) - 1e-12
    found = triangle.witness(layers, upper, d, n)
    errors = found.s.sqrt() * (model(found.x, found.y) - found.target).abs()
    assert errors.max().item() >= triangle.law(layers, upper) * (1 - 1e-9) - 1e-12


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.booleans(),
    st.booleans(),
    st.floats(0.01, 0.6),
    st.integers(0, 10**6),
)
def test_random_weights_lie_above(d, layers, heads, bias, query_as_key, size, seed):
    config = TransformerConfig(
        width=2 * d + 3,
        depth=layers,
        heads=heads,
        head_dim=d + 1,
        inputs=d + 1,
        outputs=1,
        query_as_key=query_as_key,
        attention_bias=bias,
        end_bias=bias,
    )
    transformer, source = Transformer(config, torch.float64), generator("weights", seed)
    for parameter in transformer.parameters():
        draw = torch.randn(parameter.shape, generator=source, dtype=torch.float64)
        parameter.data.copy_(size * draw)
    model = assemble(RegressionFormat(d, d + 2), transformer, family="lsa", kind="learned")
    assert_above(model.answer, layers, d, d + 2, 0.5, 3.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.floats(1.01, 50), st.integers(0, 10**6))
def test_descent_lies_above(d, layers, kappa, seed):
    scalars = torch.rand(2 * layers - 1, generator=generator("scalars", seed)).tolist()
    gammas, etas = tuple(scalars[:layers]), tuple(scalars[layers:])
    model = icnewton.build("gdpp", d=d, gammas=gammas, etas=etas or None)
    assert_above(model.answer, layers, d, d + 1, 1.0, kappa)


@pytest.mark.parametrize("kappa", [2.0, 30.0])
def test_what_is_built_for_the_interval_lies_above(kappa):
    d, n, ends = 3, 5, (1.0, kappa)
    for layers in (1, 2, 3):
        best = icnewton.build("minimax", d=d, steps=layers, spectrum=ends)
        assert_above(best.answer, layers, d, n, *ends)
        triangular = icnewton.build("gdpp", d=d, steps=layers, upper=kappa)
        assert_above(triangular.answer, layers, d, n, *ends)
    sizes = {"d": d, "n": n, "step": "chebyshev", "spectrum": ends}
    for steps, order in ((0, 2), (1, 2), (1, 3), (2, 3)):
        model = icnewton.build("least_squares", steps=steps, order=order, **sizes)
        assert_above(model.answer, model.card.depth, d, n, *ends)


def test_the_prompts_of_the_proofs_can_be_answered():
    """Other models may lie below: the direct solution errs on none of them."""

    def solve(x, y):
        w = direct_solve(gram_matrix(x[:, :-1]), moment(x[:, :-1], y))
        return (x[:, -1] * w).sum(-1)

    found = minimax.witness(2, 1.0, 10.0, 3, 5)
    assert (solve(found.x, found.y) - found.target).abs().max() <= 1e-12
    with pytest.raises(AssertionError):
        assert_above(solve, 2, 3, 5, 1.0, 10.0)


def test_an_interval_of_one_point_is_exact():
    model = icnewton.build("minimax", d=2, steps=1, spectrum=(2.0, 2.0))
    x, y, w, _ = prompts(torch.full((1, 2), 2.0, dtype=torch.float64), 4, 0)
    torch.testing.assert_close(model(x, y), (x[:, -1] * w).sum(-1))


def test_order_three_needs_at_most_one_layer_more():
    """With one layer less than T + 2 the law is above the residual of T steps."""
    for steps in range(1, 4):
        left = 1 / math.cosh(2 * 3**steps * math.acosh(11 / 9))
        assert minimax.law(steps + 1, 1.0, 10.0) > left > minimax.law(steps + 2, 1.0, 10.0)


def test_a_spectrum_outside_is_noticed(tmp_path):
    model = icnewton.build("minimax", d=2, steps=2, spectrum=(1.0, 4.0))
    x, y, *_ = prompts(torch.tensor([[1.0, 4.0]], dtype=torch.float64), 4, 0)
    icnewton.save(model, tmp_path / "m")
    loaded = icnewton.load(tmp_path / "m")
    assert torch.equal(loaded(x, y), model(x, y)) and loaded.check(x, y).inside
    for factor in (0.9, 1.1):
        with pytest.warns(icnewton.OutsideDomainWarning, match=r"built for \[1, 4\]"):
            loaded(factor * x, factor * y)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"d": 0, "steps": 1, "spectrum": (1.0, 2.0)}, "at least 1"),
        ({"d": 2, "steps": 0, "spectrum": (1.0, 2.0)}, "at least 1"),
        ({"d": 2, "steps": 2, "spectrum": (0.0, 2.0)}, "0 < lower <= upper"),
        ({"d": 2, "steps": 2, "spectrum": (3.0, 2.0)}, "0 < lower <= upper"),
        ({"d": 2, "steps": 12, "spectrum": (1.0, 2.0)}, "at most budget"),
        ({"d": 2, "steps": 4000, "spectrum": (1.0, 2.0)}, "width must be at most"),
    ],
)
def test_other_settings_are_refused(settings_, words):
    with pytest.raises(ValueError, match=words):
        icnewton.build("minimax", **settings_)
