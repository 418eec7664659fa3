"""Intervals contain what they say, by simulation: over prompts, over trainings, and all at once."""

import numpy as np
import pandas as pd
import pytest
from test_claims import facts_of, long_frame

from icnewton.claims import Evidence
from icnewton.claims.parts.evidence import UNKNOWN, extreme
from icnewton.evaluation import estimates, statistics
from icnewton.evaluation.estimates import Estimate, estimate, simultaneous
from icnewton.evaluation.statistics import by_training

LEVEL, TRIALS = 0.95, 200
TOLERANCE = 3 * (LEVEL * (1 - LEVEL) / TRIALS) ** 0.5  # three standard errors of a share


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    for module in (statistics, estimates):
        monkeypatch.setattr(module, "RESAMPLES", 400)


def drawn(source, trainings, covariances=40, prompts=3, spread=0.3, own=0.5):
    """Log errors ``(trainings, covariances, prompts)``, of median 0 in expectation."""
    of_training = spread * source.standard_normal((trainings, 1, 1))
    of_prompt = own * source.standard_normal((1, covariances, prompts))
    return of_training + source.standard_normal((1, covariances, 1)) + of_prompt


def share(hits):
    return np.mean(list(hits))


@pytest.mark.parametrize("trainings", [2, 3, 5])
def test_an_interval_contains_the_expected_log_median_of_a_training(trainings):
    source = np.random.default_rng(trainings)

    def hits():
        for trial in range(TRIALS):
            found = estimate(np.exp(drawn(source, trainings)), name=str(trial))
            low, high = simultaneous([found])[:, 0]
            yield low <= 1 <= high

    assert share(hits()) >= LEVEL - TOLERANCE


def test_a_ratio_of_two_trained_models_has_the_spread_of_both():
    source = np.random.default_rng(1)

    def hits():
        for trial in range(TRIALS):
            covariance = source.standard_normal((1, 40, 1))
            sides = []
            for side in "ab":
                logs = drawn(source, 3, own=0.3) + covariance
                sides.append(estimate(np.exp(logs), name=f"{side}{trial}", trained=True))
            low, high = simultaneous([sides[0] - sides[1]])[:, 0]
            yield low <= 1 <= high

    assert share(hits()) >= LEVEL - TOLERANCE


def test_the_spread_between_trainings_is_what_makes_the_level_true():
    """Without it, three trainings that differ much are one sample of many prompts."""
    source = np.random.default_rng(2)

    def hits():
        for _ in range(TRIALS):
            errors = np.exp(drawn(source, 3, spread=1.0))
            pooled = errors.transpose(1, 0, 2).reshape(1, 40, -1)
            low, high = simultaneous([estimate(pooled)])[:, 0]
            yield low <= 1 <= high

    assert share(hits()) < 0.8


@pytest.mark.parametrize(("largest", "gap"), [(True, 0.0), (False, 0.1)])
def test_an_extreme_of_many_ratios_has_the_level_of_one(largest, gap):
    source = np.random.default_rng(3)
    truth = np.exp(gap * np.arange(8))
    expected = truth[-1] if largest else truth[0]

    def hits():
        for _ in range(TRIALS):
            below = drawn(source, 1, spread=0)
            ratios = []
            for factor in truth:
                own = 0.3 * source.standard_normal(below.shape)
                above = estimate(factor * np.exp(below + own))
                ratios.append(("", above - estimate(np.exp(below))))
            _, low, high, _ = extreme(ratios, largest)
            yield low <= expected <= high

    assert share(hits()) >= LEVEL - TOLERANCE


def test_intervals_hold_all_at_once_and_one_alone_is_central():
    source = np.random.default_rng(4)
    centre, draws = np.zeros(10), source.standard_normal((10, 1000))
    found = [Estimate(0.0, row) for row in draws]
    low, high = np.log(simultaneous(found))
    inside = (draws >= low[:, None]) & (draws <= high[:, None])
    assert 0.94 <= inside.all(0).mean() <= 0.96 and (low < centre).all() and (centre < high).all()
    alone = np.log(simultaneous(found[:1]))[:, 0]
    np.testing.assert_allclose(alone, np.percentile(draws[0], [2.5, 97.5]), atol=0.05)


def test_a_row_says_on_how_many_trainings_it_rests():
    frame = long_frame({"lsa": (1, 2)}, {"newton2": (1, 2)})
    twice = [frame, frame[(frame["kind"] == "learned") & (frame["step"] == 2)].assign(seed=1)]

    def words(frames, steps):
        compare = Evidence({"c": pd.concat(frames)}, {"c": facts_of()}, {}, {}).linear.compare
        pairs = [(f"{L} layers", compare("c", ("lsa", L), ("newton2", L))) for L in steps]
        return extreme(pairs, True)[3]

    assert words([frame], (1,)) == "1 layers; one training"
    assert words([frame], (1, 2)) == "1 layers; one of 2 compared; one training each"
    assert words(twice, (2,)) == "2 layers; 2 trainings"
    assert words(twice, (1, 2)) == "1 layers; one of 2 compared; 1 to 2 trainings"


def test_two_trainings_widen_an_interval_and_references_have_none():
    frame = long_frame({"lsa": (1,)}, {"newton2": (1,)})
    learned = frame[frame["kind"] == "learned"]
    worse = learned.assign(seed=1, value=2 * learned["value"])
    evidence = Evidence({"c": pd.concat([frame, worse])}, {"c": facts_of()}, {}, {})
    found = evidence.linear.compare("c", ("lsa", 1), ("newton2", 1))
    low, high = simultaneous([found])[:, 0]
    assert found.number == pytest.approx(2) and found.trainings == 2
    assert low < 1 and high > 4  # the deviation of two logarithms is known to a factor of 12 alone
    assert evidence.linear.estimate("c", "newton2", 1).trainings == 0
    assert by_training(pd.concat([learned, worse])).shape == (2, 2, 2)


def test_nothing_is_known_where_a_training_diverged():
    measured, *_, where = extreme([("1 layers", UNKNOWN)], True)
    assert np.isnan(measured) and where == "a training with 1 layers diverged"


def test_one_covariance_tells_nothing_of_others():
    alone = estimate(np.array([[[0.5, 1.0, 2.0]]]))
    assert alone.number == 1.0 and np.isnan(simultaneous([alone])).all()
