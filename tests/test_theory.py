"""The best polynomial, what attending to the query costs, statistics and verdicts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import icnewton
from icnewton.algorithms import ALGORITHMS
from icnewton.algorithms.parts.normal_equations import direct_solve, gram_matrix, moment
from icnewton.claims import Row
from icnewton.claims.parts.evidence import NOTHING, exactly
from icnewton.evaluation.answers import frame as frame_of
from icnewton.evaluation.answers import layers_of, references
from icnewton.evaluation.estimates import estimate, simultaneous
from icnewton.evaluation.statistics import (
    bootstrap,
    clusters,
    of_quantity,
    similarity,
    summarise,
)
from icnewton.models.config import TransformerConfig
from icnewton.models.formats import RegressionFormat
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.randomness import generator
from icnewton.theory import query_as_key

CONDITION = LinearCondition("normalised", 4, 20, 5.0, 0.0)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_attending_to_the_query_makes_it_an_example_of_label_0(layers):
    prompts = sample(CONDITION, 5, 3, generator("mask"))
    config = TransformerConfig(
        width=7, depth=layers, heads=2, head_dim=3, scale=0.01, inputs=CONDITION.d + 1, outputs=1
    )
    seen, masked = (
        Transformer(replace(config, query_as_key=attended)) for attended in (True, False)
    )
    for weight in seen.parameters():
        torch.nn.init.normal_(weight, generator=generator("mask", layers))
    masked.load_state_dict(seen.state_dict())
    format, query = RegressionFormat(CONDITION.d, 7), prompts.x[:, -1:]
    longer = format.tokens(
        torch.cat([prompts.x, query], 1),
        torch.cat([prompts.y, torch.zeros_like(prompts.y[:, :1])], 1),
    )
    expected = format.read(masked(longer))
    torch.testing.assert_close(
        format.read(seen(format.tokens(prompts.x, prompts.y))), expected, rtol=1e-9, atol=0
    )


@given(d=st.integers(1, 6), extra=st.integers(0, 9), seed=st.integers(0, 99))
def test_the_query_as_an_example_divides_the_prediction_by_one_plus_its_leverage(d, extra, seed):
    prompts = sample(
        LinearCondition("unnormalised", d, d + 2 + extra, 4.0, 0.3),
        4,
        2,
        generator("leverage", seed),
    )
    examples, query = prompts.x[:, :-1], prompts.x[:, -1]
    exact = (query * direct_solve(gram_matrix(examples), moment(examples, prompts.y))).sum(-1)
    torch.testing.assert_close(
        query_as_key.predict(prompts) * (1 + query_as_key.leverage(prompts)),
        exact,
        rtol=1e-6,
        atol=0,
    )


def prompt_with(gram, label_squares, b, direction):
    """A prompt without noise of d = 2 whose query lies in a direction, from what its Gram matrix
    with the query holds.
    """
    values, vectors = torch.linalg.eigh(gram)
    root = vectors @ values.sqrt().diag() @ vectors.mT
    v = torch.linalg.solve(root, b)
    r = label_squares - v.square().sum()
    u = direction * (r / (r + (direction @ v) ** 2)).sqrt()
    S = gram - torch.outer(root @ u, root @ u)
    examples = torch.linalg.cholesky(S).mT
    w = torch.linalg.solve(S, b)
    x = torch.cat([examples, (root @ u).unsqueeze(0)]).unsqueeze(0)
    return LinearPrompts(
        x,
        (examples @ w).unsqueeze(0),
        w.unsqueeze(0),
        (root @ u @ w).unsqueeze(0),
        S.trace()[None],
        torch.zeros(1),
    )


def test_for_one_gram_matrix_attending_to_the_query_is_linear_and_least_squares_is_not():
    config = TransformerConfig(
        width=7, depth=3, heads=2, head_dim=3, scale=0.01, inputs=3, outputs=1, query_as_key=True
    )
    transformer = Transformer(config)
    for weight in transformer.parameters():
        torch.nn.init.normal_(weight, generator=generator("corollary"))
    gram, b = (
        torch.tensor([[5.0, 1.0], [1.0, 3.0]], dtype=torch.float64),
        torch.tensor([1.0, 2.0], dtype=torch.float64),
    )
    angles = torch.tensor([0.2, 0.9, 1.4], dtype=torch.float64)
    prompts = [
        prompt_with(gram, torch.tensor(9.0), b, torch.stack([angle.cos(), angle.sin()]))
        for angle in angles
    ]
    format, queries = RegressionFormat(2, 7), torch.cat([prompt.x[:, -1] for prompt in prompts])
    tokens = [format.tokens(prompt.x, prompt.y)[0] for prompt in prompts]
    torch.testing.assert_close(tokens[0].mT @ tokens[0], tokens[1].mT @ tokens[1])
    mixture = torch.linalg.solve(queries[:2].mT, queries[2])
    outputs = torch.cat(
        [format.read(transformer(format.tokens(prompt.x, prompt.y))) for prompt in prompts]
    )
    torch.testing.assert_close(outputs[2], mixture @ outputs[:2])
    answers = torch.cat([prompt.target for prompt in prompts])
    assert (answers[2] - mixture @ answers[:2]).abs() > 0.1 * answers[2].abs()


def test_leverage_has_its_mean_whatever_the_covariance():
    for protocol, kappa in (("unnormalised", 100.0), ("normalised", 2.0)):
        prompts = sample(
            LinearCondition(protocol, 4, 25, kappa, 0.0), 500, 20, generator("leverage")
        )
        assert query_as_key.leverage(prompts).mean().item() == pytest.approx(
            4 / (25 - 4 - 1), rel=0.03
        )


def frame():
    prompts = sample(CONDITION, 8, 4, generator("p"))
    methods = {"newton2": [0, 1, 2, 3], "gradient_descent": [1, 2, 8], "least_squares": [0]}
    answers = []
    for method, steps in methods.items():
        answers += references(method, steps, CONDITION, prompts)
    return frame_of(answers, CONDITION, prompts)


def test_frames_are_tidy_and_summaries_bracket_the_median():
    table = of_quantity(frame(), "residual")
    assert len(table) == 8 * 4 * 8 and not table["value"].isna().any()
    summary = summarise(table)
    assert (
        len(summary) == 8
        and (summary["low"] <= summary["median"]).all()
        and (summary["median"] <= summary["high"]).all()
    )
    assert (summary[["covariances", "prompts", "seeds"]] == [8, 32, 1]).all(axis=None)
    one = table[(table["method"] == "newton2") & (table["step"] == 2)]
    row = summary[(summary["method"] == "newton2") & (summary["step"] == 2)].iloc[0]
    assert row["median"] == pytest.approx(np.median(one["value"] ** 2)) and row["layers"] == 5


def test_a_summary_tells_the_spread_between_trainings():
    table = frame()
    one = table[(table["method"] == "newton2") & (table["step"] == 2)]
    worse = one.assign(seed=1, value=2 * one["value"])
    row = summarise(pd.concat([one, worse])).iloc[0]
    assert row["seeds"] == 2 and row["seed_high"] == pytest.approx(4 * row["seed_low"])
    assert (
        row["seed_low"] == pytest.approx(np.median(one["value"] ** 2))
        and row["seed_low"] < row["median"]
    )
    diverged = summarise(pd.concat([one, worse.assign(value=np.inf)])).iloc[0]
    assert diverged["seed_high"] == np.inf and diverged["seed_low"] == row["seed_low"]


def test_every_reference_runs_and_ends_at_least_squares():
    prompts = sample(CONDITION, 4, 2, generator("p"))
    expected = next(references("least_squares", [0], CONDITION, prompts)).values
    for name in ALGORITHMS:
        if ALGORITHMS[name].problem == "linear":
            last = next(references(name, [400], CONDITION, prompts)).values
            torch.testing.assert_close(last, expected, rtol=1e-6, atol=1e-6)


def test_true_layers_come_from_the_built_models():
    condition = LinearCondition("normalised", 4, 20, 5.0, 0.0)
    for name, order in (("newton2", 2), ("newton3", 3), ("newton4", 4)):
        for steps in (0, 1, 5):
            sizes = {"d": 4, "n": 20, "steps": steps, "alpha": 1.0, "order": order}
            depth = icnewton.build("least_squares", **sizes).card.depth
            assert layers_of(name, steps, condition) == depth
    assert layers_of("gradient_descent", 5, condition) == 5
    assert np.isnan(layers_of("newton10", 5, condition))


def test_similarity_of_a_method_with_itself_is_one_on_the_diagonal():
    table = of_quantity(frame(), "residual")
    newton = table[table["method"] == "newton2"]
    matrix = similarity(newton, newton)
    np.testing.assert_allclose(np.diag(matrix), 1)
    assert matrix.shape == (4, 4) and (matrix.to_numpy() <= 1 + 1e-12).all()


def test_bootstrap_resamples_covariances_not_prompts():
    errors = np.repeat(
        np.arange(1.0, 9.0)[:, None], 50, axis=1
    )  # nothing varies within a covariance
    assert bootstrap(errors).std() > 0.5
    ratio = estimate(3 * errors[None]) - estimate(errors[None])
    numbers = [ratio.number, *simultaneous([ratio])[:, 0]]
    np.testing.assert_allclose(numbers, 3.0, rtol=1e-12)


def test_clusters_align_methods_by_covariance():
    table = pd.DataFrame(
        {"covariance": [1, 0, 1, 0], "seed": 0, "prompt": [3, 0, 2, 1], "value": [3.0, 0, 2, 1]}
    )
    np.testing.assert_array_equal(clusters(table), [[0, 1], [4, 9]])


@pytest.mark.parametrize(
    ("sense", "low", "high", "verdict"),
    [
        ("<=", 0.5, 0.9, "holds"),
        ("<=", 1.1, 1.5, "fails"),
        ("<=", 0.9, 1.1, "undecided"),
        (">=", 1.1, 1.5, "holds"),
        (">=", 0.5, 0.9, "fails"),
        (">=", 0.9, 1.1, "undecided"),
    ],
)
def test_verdicts_need_the_whole_interval(sense, low, high, verdict):
    assert Row("S", "c", "q", sense, 1.0, ((low + high) / 2, low, high, "")).verdict == verdict


def test_no_measurement_is_no_verdict():
    assert Row("S", "c", "q", "<=", 1.0, NOTHING).verdict == "not tested at this scale"
    assert Row("S", "c", "q", "<=", 1.0, exactly(float("inf"), "")).verdict == "fails"
