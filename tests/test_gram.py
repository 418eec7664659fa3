"""Prompts that are seen through their Gram matrix alone: equal predictions, and the right
distribution.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from icnewton.models.config import TransformerConfig
from icnewton.models.gram import condense
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.training.fast.gram import bartlett, sample_condensed


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.2]),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_a_prompt_with_the_same_gram_matrix_gets_the_same_prediction(
    d, n, noise, query_as_key, seed
):
    config = TransformerConfig(
        8, 3, 2, 4, scale=0.1 / n, inputs=d + 1, outputs=1, query_as_key=query_as_key
    )
    transformer = Transformer(config)
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.normal_(0, 0.4, generator=generator("w", seed))
    prompts = sample(LinearCondition("normalised", d, n, 3.0, noise), 2, 2, generator("p", seed))
    labels = torch.cat([prompts.y, torch.zeros(4, 1)], 1)
    tokens = torch.cat([prompts.x, labels.unsqueeze(-1)], -1)
    short = condense(tokens)
    assert short.shape == (4, min(n, d + 1) + 1, d + 1)
    torch.testing.assert_close(
        transformer(short)[:, -1], transformer(tokens)[:, -1], rtol=1e-10, atol=1e-12
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(0, 30), st.integers(0, 10**6))
def test_a_triangular_factor_is_triangular(columns, more, seed):
    factor = bartlett(columns + more, columns, 5, generator("f", seed), torch.float64)
    assert not factor.tril(-1).any() and (factor.diagonal(dim1=-2, dim2=-1) > 0).all()


def test_a_triangular_factor_needs_enough_examples():
    with pytest.raises(ValueError, match=r"n must be at least 4 .* found 3"):
        bartlett(3, 4, 1, generator("f"), torch.float64)


@pytest.mark.parametrize(("n", "noise"), [(6, 0.0), (12, 0.5), (50, 0.1)])
def test_condensed_prompts_have_the_distribution_of_prompts(n, noise):
    """Kolmogorov and Smirnov's test on invariants of the Gram matrix, the query and the target,
    20,000 prompts each.
    """
    condition, size = LinearCondition("normalised", 4, n, 5.0, noise), (20000, 1)
    prompts = sample(condition, *size, generator("long", n))
    labels = torch.cat([prompts.y, torch.zeros(size[0], 1)], 1).unsqueeze(-1)
    long, long_target = torch.cat([prompts.x, labels], -1), prompts.target
    short, short_target = sample_condensed(condition, *size, generator("short", n), torch.float64)
    assert short.shape == (20000, 6, 5)

    def invariants(tokens, target):
        examples, query = tokens[:, :-1], tokens[:, -1]
        gram = examples.mT @ examples
        spectrum = torch.linalg.eigvalsh(gram[:, :4, :4])
        yield from spectrum.unbind(-1)
        yield from (
            gram[:, 4, 4],
            gram[:, 0, 4],
            gram[:, 0, 1],
            (query.unsqueeze(1) @ gram @ query.unsqueeze(-1)).flatten(),
        )
        yield from (
            query[:, 0],
            target,
            target * gram[:, 0, 4],
            (query[:, :4] * gram[:, :4, 4]).sum(-1) - n * target,
        )

    for one, other in zip(
        invariants(long, long_target), invariants(short, short_target), strict=True
    ):
        assert ks_2samp(one.numpy(), other.numpy()).pvalue > 1e-4
