"""What theory says can be reached: polynomials, equivariant answers, the query as a key."""

from dataclasses import replace

import pytest
import torch

from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.theory import invariants, query_as_key
from icnewton.theory.polynomials import degree, polynomial_fits
from icnewton.theory.query_floor import query_floor

CONDITION = LinearCondition("normalised", 4, 20, 5.0, 0.0)


def test_degrees():
    assert [degree(layers) for layers in (1, 2, 3, 4)] == [0, 3, 12, 39]
    with pytest.raises(ValueError, match="layers must be at least 1"):
        degree(0)


def fitted(batches, degree, upper=60.0):
    """The predictions of the best polynomial of a degree for all prompts of some batches."""
    fits = polynomial_fits(degree, upper)
    for index, batch in enumerate(batches):
        fits.add(index, batch)
    return lambda prompts: fits.predict(prompts, degree + 1)


def test_polynomial_of_full_degree_is_the_inverse_on_one_spectrum():
    """d distinct eigenvalues: a polynomial of degree d - 1 interpolates 1 / lambda, so one prompt
    is solved exactly.
    """
    prompts = sample(CONDITION, 1, 1, generator("p"))
    same = prompts.map(lambda t: t.expand(40, *t.shape[1:]).clone())
    same.x[:, -1] = torch.randn(40, 4, generator=generator("q"), dtype=torch.float64)
    same = replace(same, target=(same.x[:, -1] * same.w).sum(-1))
    torch.testing.assert_close(fitted([same], 3)(same), same.target, rtol=1e-8, atol=1e-8)


def test_higher_degree_is_never_worse_on_its_own_prompts():
    """The second batch has larger eigenvalues: an interval that did not hold them spoiled a fit
    with four layers once.
    """
    first, second = (
        sample(CONDITION, 400, 1, generator("p")),
        sample(CONDITION, 400, 1, generator("q")),
    )
    second = replace(second, x=1.5 * second.x, y=1.5 * second.y, target=1.5 * second.target)
    errors = []
    for layers in (1, 2, 3, 4):
        predict = fitted([first, second], degree(layers))
        squares = [
            ((predict(prompts) - prompts.target) ** 2 / prompts.scale).mean()
            for prompts in (first, second)
        ]
        errors.append(sum(squares).item())
    assert errors[0] > errors[1] > errors[2] > errors[3]


def test_the_best_polynomial_beats_the_best_single_multiple_of_the_moment():
    """Degree 0 is the best c in c * a^T b; checked against the closed form of that one-dimensional
    problem.
    """
    prompts = sample(CONDITION, 300, 1, generator("p"))
    b = (prompts.x[:, :-1].mT @ prompts.y.unsqueeze(-1)).squeeze(-1)
    feature = (prompts.x[:, -1] * b).sum(-1)
    best = (feature * prompts.target / prompts.scale).sum() / (feature**2 / prompts.scale).sum()
    torch.testing.assert_close(fitted([prompts], 0)(prompts), best * feature)


def test_a_fit_that_prompts_do_not_determine_says_so():
    fits, few = polynomial_fits(12, 60.0), polynomial_fits(12, 60.0)
    for index in range(8):
        fits.add(index, sample(CONDITION, 2000, 1, generator("many", index)))
        few.add(index, sample(CONDITION, 8, 1, generator("few", index)))
    test = sample(CONDITION, 2000, 1, generator("test"))
    assert fits.determined(test, 4) and not few.determined(test, 13)


def rotated(prompts, seed):
    shape, source = (CONDITION.d, CONDITION.d), generator("Q", seed)
    Q = torch.linalg.qr(torch.randn(shape, generator=source, dtype=torch.float64)).Q
    return replace(prompts, x=prompts.x @ Q)


@pytest.mark.parametrize(("degree", "count"), [(1, 1), (2, 4), (3, 12), (4, 30)])
def test_invariant_features_are_equivariant_linear_and_odd(degree, count):
    prompts = sample(CONDITION, 50, 1, generator("p"))
    values = invariants.features(prompts, degree)
    assert values.shape == (50, count) and torch.linalg.matrix_rank(values) == count
    torch.testing.assert_close(invariants.features(rotated(prompts, 0), degree), values)
    torch.testing.assert_close(invariants.features(replace(prompts, y=-prompts.y), degree), -values)
    x = prompts.x.clone()
    x[:, -1] *= 3
    torch.testing.assert_close(invariants.features(replace(prompts, x=x), degree), 3 * values)
    longer = replace(prompts, x=2 * prompts.x, y=prompts.y)
    sizes = (invariants.features(longer, degree) / values)[0].log2() - 1
    assert sizes.round().max() <= 2 * degree


def test_the_floor_of_the_query_is_below_the_level_and_the_level_is_met():
    condition = LinearCondition("normalised", 4, 16, 5.0, 0.0)
    found = query_floor(condition, prompts=600, directions=600)
    assert 0 < found.floor < found.level
    prompts, factor = sample(condition, 40_000, 1, generator("level")), query_as_key.BestFactor()
    factor.add(prompts)
    answers = factor.value * query_as_key.predict(prompts)
    errors = (answers - prompts.target).square() / prompts.scale
    assert abs(errors.mean().item() - found.level) <= 5 * found.level_error


@pytest.mark.parametrize(("d", "n", "noise"), [(1, 8, 0.0), (4, 5, 0.0), (4, 16, 0.1)])
def test_the_floor_of_the_query_says_where_it_does_not_hold(d, n, noise):
    with pytest.raises(ValueError, match="expected no noise, d >= 2"):
        query_floor(LinearCondition("normalised", d, n, 5.0, noise))
