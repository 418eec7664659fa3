"""Prompts: their distribution, their protocols, and the real data."""

import numpy as np
import pytest
import torch

from icnewton.evaluation.diabetes import built_frame, diabetes_prompts, lstsq_predictions
from icnewton.evaluation.probes import probe_prompts, probe_values
from icnewton.problems.linear import LinearCondition, sample
from icnewton.problems.logistic import LogisticCondition
from icnewton.protocols import PROTOCOLS
from icnewton.randomness import generator


@pytest.mark.parametrize("protocol", ["unnormalised", "normalised"])
@pytest.mark.parametrize("d", [1, 2, 10])
def test_spectra(protocol, d):
    spectra = PROTOCOLS[protocol].spectra(d, 8.0, 500, generator("s"), torch.float64)
    assert spectra.shape == (500, d)
    largest, smallest = spectra.max(-1).values, spectra.min(-1).values
    if d > 1:
        torch.testing.assert_close(largest / smallest, torch.full_like(largest, 8.0))
    if protocol == "normalised":
        torch.testing.assert_close(spectra.sum(-1), torch.full_like(largest, d))
    else:
        assert (
            largest.min() >= 1
            and largest.max() <= 100
            and largest.mean() == pytest.approx(50.5, abs=5)
        )


def test_kappa_one_is_scaled_like_any_other():
    """A trap of earlier runs: kappa = 1 at unit scale beside kappa > 1 at scale U[1, 100]."""
    spectra = PROTOCOLS["unnormalised"].spectra(5, 1.0, 100, generator("s"), torch.float64)
    assert spectra.max() > 50 and torch.allclose(spectra, spectra[:, :1].expand_as(spectra))


def test_covariance_labels_and_noise():
    prompts = sample(LinearCondition("normalised", 3, 4000, 4.0, 0.5), 4, 2, generator("p"))
    x = prompts.x[:, :-1]
    empirical = (x.mT @ x / prompts.n).view(4, 2, 3, 3)
    assert (
        empirical[:, 0] - empirical[:, 1]
    ).abs().max() < 0.25  # two prompts of one covariance agree
    assert (empirical[0, 0] - empirical[1, 0]).abs().max() > 0.1  # two covariances do not
    residual = prompts.y - (x @ prompts.w.unsqueeze(-1)).squeeze(-1)
    assert residual.std() == pytest.approx(0.5, rel=0.02)
    torch.testing.assert_close(prompts.target, (prompts.x[:, -1] * prompts.w).sum(-1))
    assert prompts.covariance.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    torch.testing.assert_close(prompts.scale, torch.full((8,), 3.0, dtype=torch.float64))


def test_streams_are_named_and_independent():
    condition = LinearCondition("unnormalised", 3, 6, 4.0, 0.1)
    one, again, other = (
        sample(condition, 2, 2, generator("evaluation", seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(one.x, again.x) and not torch.equal(one.x, other.x)
    state = torch.random.get_rng_state()
    sample(condition, 2, 2, generator("evaluation", 0))
    assert torch.equal(state, torch.random.get_rng_state())  # the global stream is not touched


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            ("gaussian", 2, 4, 2.0, 0.0),
            "protocol: expected one of bounded, normalised, unnormalised, found",
        ),
        (("unnormalised", 0, 4, 2.0, 0.0), "d must be a number from 1 to 1000, found 0"),
        (("unnormalised", 2, 4, 0.5, 0.0), "kappa must be a number from 1 to .*, found 0.5"),
        (("unnormalised", 2, 4, 2.0, -1.0), "noise must be a number from 0 to 1000000, found -1"),
    ],
)
def test_impossible_conditions_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        LinearCondition(*values)


def test_probes_move_one_coordinate_of_the_query():
    prompts = sample(LinearCondition("normalised", 3, 9, 4.0, 0.0), 5, 2, generator("p"))
    values = probe_values(prompts)
    probes = probe_prompts(prompts, 4, values)
    assert probes.x.shape[0] == 4 * len(values)
    first = probes.x[: len(values)]
    assert torch.equal(first[:, :-1], first[:1, :-1].expand(len(values), -1, -1))
    np.testing.assert_array_equal(first[:, -1, 0].numpy(), values)
    torch.testing.assert_close(probes.target, (probes.x[:, -1] * probes.w).sum(-1))
    unit = prompts.x[..., 0].abs().quantile(0.99).item()
    assert values.max() == pytest.approx(unit * 100 / 14.9)


def test_diabetes_prompts_are_the_patients():
    whole = diabetes_prompts(441, 1, generator("d"))
    together = torch.cat([whole.y[0], whole.target])
    assert together.mean().abs() < 1e-12 and together.std(correction=0) == pytest.approx(1)
    assert whole.x.shape == (1, 442, 10)
    with pytest.raises(ValueError, match="n must be between 1 and 441, found 442"):
        diabetes_prompts(442, 1, generator("d"))


def test_built_transformers_are_least_squares_on_the_diabetes_data():
    frame = built_frame()
    assert set(frame["n"]) == {50, 441} and len(frame["method"].unique()) == 3
    assert frame["relative_to_lstsq"].max() < 1e-6


def test_lstsq_predictions_use_numpy():
    prompts = diabetes_prompts(50, 2, generator("d"))
    w = np.linalg.lstsq(prompts.x[1, :-1].numpy(), prompts.y[1].numpy(), rcond=None)[0]
    assert lstsq_predictions(prompts)[1] == pytest.approx(w @ prompts.x[1, -1].numpy())


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, torch.tensor, int])
def test_equal_numbers_give_equal_prompts(kind):
    """A found fault: streams are told apart by text, and 10, 10.0 and numpy's 10 read
    differently.
    """
    plain = LinearCondition("normalised", 3, 8, 10.0, 0.0)
    other = LinearCondition("normalised", kind(3), kind(8), kind(10), kind(0))
    assert repr(other) == repr(plain)
    whole = 3.0 if kind in (np.float32, np.float64) else 3
    assert generator(other, kind(3)).initial_seed() == generator(plain, whole).initial_seed()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kappa": float("inf")}, "kappa must be a finite number, found inf"),
        ({"noise": float("nan")}, "noise must be a finite number, found nan"),
        ({"d": 2.5}, "d must be a whole number, found 2.5"),
        ({"n": "8"}, "n must be a whole number, found '8'"),
        ({"kappa": None}, "kappa must be a finite number, found None"),
    ],
)
def test_conditions_are_of_finite_numbers(values, words):
    with pytest.raises(ValueError, match=words):
        LinearCondition(
            **{"protocol": "normalised", "d": 3, "n": 8, "kappa": 10.0, "noise": 0.0} | values
        )
    if values.keys() & {"d", "n", "kappa"}:
        with pytest.raises(ValueError, match=words):
            LogisticCondition(
                **{"protocol": "bounded", "d": 3, "n": 8, "kappa": 10.0, "mu": 0.1} | values
            )
    with pytest.raises(ValueError, match="mu must be a finite number, found inf"):
        LogisticCondition("bounded", 3, 8, 10.0, float("inf"))
