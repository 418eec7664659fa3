"""Medians and means of resamples are those of numpy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from icnewton.evaluation.resampling import means_of, medians_of


@given(
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(0, 2**32),
    st.sampled_from(["", "ties", "inf"]),
)
def test_resampled_medians_are_numpys(covariances, prompts, seed, kind):
    source = np.random.default_rng(seed)
    errors = source.lognormal(size=(covariances, prompts))
    if kind == "ties":
        errors = errors.round()
    if kind == "inf":
        errors[source.random(errors.shape) < 0.4] = np.inf
    chosen = source.integers(covariances, size=(30, covariances))
    drawn = errors[chosen].reshape(len(chosen), -1)
    np.testing.assert_array_equal(medians_of(errors, chosen), np.median(drawn, axis=1))
    np.testing.assert_allclose(means_of(errors, chosen), drawn.mean(1), rtol=1e-13)
