"""Residual polynomials of models, and which models the minimax law speaks of."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import icnewton
from icnewton.algorithms.gdpp import residual
from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.evaluation.extraction import extract
from icnewton.evaluation.responses import Named, is_linear, responses
from icnewton.models.model import Model
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.theory.minimax import law, witness

CONDITION = LinearCondition("normalised", 4, 12, 5.0, 0.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(0, 99))
def test_a_polynomial_is_read_off_on_all_prompts(layers, seed):
    scalars = (0.05 * torch.rand(2 * layers - 1, generator=generator("s", seed))).tolist()
    gammas, etas = scalars[:layers], scalars[layers:]
    options = {"etas": tuple(etas)} if etas else {}
    built = icnewton.build("gdpp", d=4, gammas=tuple(gammas), **options)
    model = replace(built, card=replace(built.card, kind="learned"))
    prompts = sample(CONDITION, 8, 2, generator("p", seed))
    frame = responses(Named("m", 0, layers, model), prompts, spectrum_of(CONDITION))
    wanted = residual(torch.from_numpy(frame["eigenvalue"].to_numpy(copy=True)), gammas, etas)
    found = torch.from_numpy(frame["residual"].to_numpy(copy=True))
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-9)
    assert set(frame["part"]) == {"identity", "triangle", "prompts"} and frame["is_linear"].all()
    assert (frame["part"] == "prompts").sum() == 8 * 4


def test_the_worst_error_is_that_of_the_law():
    spectrum = spectrum_of(CONDITION)
    model = icnewton.build("minimax", d=4, steps=2, spectrum=spectrum)
    prompts = sample(CONDITION, 2, 1, generator("p"))
    frame = responses(Named("built_minimax", 0, 2, model), prompts, spectrum)
    inside = frame[frame["part"] == "identity"]
    assert inside["error"].max() == pytest.approx(law(2, *spectrum), rel=1e-9)


def linear_on(model, found):
    return is_linear(model, found, model.answer(found.x, found.y))


def test_a_clip_that_acts_voids_the_law():
    built = icnewton.build("gdpp", d=4, steps=2, upper=30.0)
    found = witness(2, 1.0, 30.0, 4, 12)

    def clipped(at):
        transformer = Transformer(replace(built.transformer.config, clip=at), torch.float64)
        transformer.load_state_dict(built.transformer.state_dict())
        return Model(built.format, transformer, built.card)

    assert linear_on(built, found) and linear_on(clipped(1e3), found)
    assert not linear_on(clipped(0.1), found)
    name = "released/normalised_kappa10_noise0/lsa_ln_layers1_seed0"
    normed = icnewton.load(name).to(torch.float64)
    found = witness(1, 1.0, 30.0, 10, 50)
    assert not linear_on(normed, found)


def test_gdpp_is_recognised_and_noise_is_not():
    built = icnewton.build("gdpp", d=4, steps=2, upper=40.0)
    model = replace(built, card=replace(built.card, kind="learned"))
    prompts = sample(CONDITION, 64, 1, generator("p"))
    frame = responses(Named("lsa", 0, 2, model), prompts, spectrum_of(CONDITION))
    (row,) = extract(frame).itertuples()
    assert row.size > 0.1 and row.beyond_gdpp < 1e-4 * row.size
    assert [float(value) for value in row.gammas.split()] == pytest.approx([1 / 30, 0.3], rel=1e-2)
    noisy = frame.assign(residual=frame["residual"] + np.sin(np.arange(len(frame))))
    (row,) = extract(noisy).itertuples()
    assert row.beyond_gdpp == pytest.approx(0.5**0.5, rel=0.2)
    assert extract(frame.assign(residual=np.inf)).empty


def test_the_share_of_gdpp_has_an_error_over_prompts():
    built = icnewton.build("gdpp", d=4, steps=2, upper=40.0)
    model = replace(built, card=replace(built.card, kind="learned"))
    prompts = sample(CONDITION, 64, 1, generator("p"))
    frame = responses(Named("lsa", 0, 2, model), prompts, spectrum_of(CONDITION))
    assert frame.loc[frame["part"] == "prompts", "prompt"].nunique() == 32
    (row,) = extract(frame).itertuples()
    assert 1 - 1e-6 <= row.share <= 1.01 and row.share_error < 0.01
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(frame))
    (row,) = extract(frame.assign(residual=frame["residual"] + noise)).itertuples()
    assert 0 < row.share_error < 0.2 and abs(row.share - 1) < 4 * row.share_error


def test_what_a_built_model_computes_is_extracted_in_one_call():
    prompts = icnewton.sample(d=4, n=12, prompts=64)
    built = icnewton.build("gdpp", d=4, gammas=(0.03, 0.2), etas=(0.02,))
    found = icnewton.extract(built, prompts)
    assert found.residuals.shape == found.eigenvalues.shape == (32, 4)
    assert found.share == pytest.approx(1, abs=1e-2)
    assert found.beyond_gdpp < 1e-4 * found.size
    assert found.scalars.gammas == pytest.approx((0.03, 0.2), rel=1e-2)
    wanted = residual(found.eigenvalues, (0.03, 0.2), (0.02,))
    torch.testing.assert_close(found.residuals, wanted, rtol=1e-8, atol=1e-9)
    torch.testing.assert_close(found.gdpp(found.eigenvalues), wanted, rtol=0, atol=1e-3)


def test_models_of_one_kind_alone_are_extracted():
    prompts = icnewton.sample(d=4, n=12, prompts=4)
    deep = icnewton.build("gdpp", d=4, steps=7, upper=40.0)
    with pytest.raises(ValueError, match="model: expected 1 to 6 layers, found 7"):
        icnewton.extract(deep, prompts)
    inverse = icnewton.build("inverse", d=4, steps=1, symmetric=True)
    with pytest.raises(ValueError, match="of linear regression, found inverse and LinearPrompts"):
        icnewton.extract(inverse, prompts)
    others = icnewton.sample("logistic", protocol="bounded", mu=0.1, prompts=4)
    with pytest.raises(ValueError, match="of linear regression, found gdpp and"):
        icnewton.extract(icnewton.build("gdpp", d=4, steps=2, upper=40.0), others)
