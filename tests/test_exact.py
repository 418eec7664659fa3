"""The minimax construction in rational numbers, where float64 cannot see the law.

Four layers have a worst error of 1.6e-19 at kappa = 4.
"""

from fractions import Fraction

import numpy as np
import pytest
import torch

import icnewton
from icnewton.algorithms.parts.chebyshev import extremes
from icnewton.algorithms.parts.extremal import degree
from icnewton.theory import minimax


def rational(values):
    """An array of fractions, equal to its numbers."""
    found = np.empty(values.shape, dtype=object)
    for index, value in np.ndenumerate(values):
        found[index] = Fraction(float(value))
    return found


def solved(matrix, right):
    """The solution of a regular system of fractions, by elimination."""
    rows, count = np.concatenate([matrix, right], 1), len(matrix)
    for column in range(count):
        pivot = next(row for row in range(column, count) if rows[row, column])
        rows[[column, pivot]] = rows[[pivot, column]]
        rows[column] = rows[column] / rows[column, column]
        for row in range(count):
            if row != column and rows[row, column]:
                rows[row] = rows[row] - rows[row, column] * rows[column]
    return rows[:, count:]


def chebyshev(count, z):
    """T_0(z), ..., T_count(z)."""
    values = [Fraction(1), z]
    while len(values) <= count:
        values.append(2 * z * values[-1] - values[-2])
    return values[: count + 1]


def answered(model, x, y):
    """What a linear attention model answers to one prompt, with its own weights."""
    transformer, config = model.transformer, model.transformer.config
    stream = rational(model.format.tokens(x, y)[0])
    for layer in transformer.layers:
        maps = ("query", "key", "value", "output")
        Q, K, V, O = (rational(getattr(layer.attention, name).weight.detach()) for name in maps)
        q, k, v = stream @ Q.T, stream[:-1] @ K.T, stream[:-1] @ V.T
        size = config.head_dim
        heads = [slice(h * size, (h + 1) * size) for h in range(config.heads)]
        mixed = [q[:, h] @ (k[:, h].T @ v[:, h]) * Fraction(config.scale) for h in heads]
        stream = stream + np.concatenate(mixed, 1) @ O.T
    return stream[-1, model.format.stream.slice("o")].item()


def worst_of(model, layers, kappa):
    """The worst error at points that decide, in rational arithmetic and in float64."""
    exact, rounded = 0.0, 0.0
    for s in extremes(degree(layers), 1.0, kappa)[:: 1 if layers < 4 else 6]:
        x = torch.tensor([[[s.sqrt().item()], [1.0]]], dtype=torch.float64)
        exact = max(exact, float(abs(1 - answered(model, x, x[:, :1, 0]))))
        rounded = max(rounded, (1 - model.answer(x, x[:, :1, 0])).abs().item())
    return exact, rounded


@pytest.mark.parametrize(
    ("layers", "kappa"), [(1, 4.0), (2, 10.0), (3, 4.0), (3, 10.0), (4, 100.0)]
)
def test_without_rounding_the_weights_attain_the_law(layers, kappa):
    model = icnewton.build("minimax", d=1, steps=layers, spectrum=(1.0, kappa))
    exact, _ = worst_of(model, layers, kappa)
    assert exact == pytest.approx(minimax.law(layers, 1.0, kappa), rel=1e-6)


@pytest.mark.parametrize("kappa", [4.0, 10.0])
def test_below_rounding_it_is_the_weights_that_are_rounded_and_not_the_sums(kappa):
    model = icnewton.build("minimax", d=1, steps=4, spectrum=(1.0, kappa))
    exact, rounded = worst_of(model, 4, kappa)
    assert exact == pytest.approx(rounded, rel=0.1)
    assert exact == pytest.approx(minimax.law(4, 1.0, kappa), abs=3e-13)


def polynomials(layers, s, upper):
    """What the layers make at points s, one polynomial a row, after the one that tokens are.

    Each layer takes combinations of what was made before. That these include the Chebyshev
    polynomials T_i of degree at most k is checked.
    """
    stream = np.array([[Fraction(1)] * len(s)])
    for k in map(degree, range(layers)):
        T = np.array([chebyshev(k, 1 - 2 * point / upper) for point in s]).T
        coordinates = solved(stream[:, : k + 1].T, T[:, : k + 1].T)
        assert ((coordinates.T @ stream) == T).all()
        factor = s / upper * T[k]
        stream = np.concatenate([stream, factor * T, factor * T[k] * T[1:]])
    return stream


@pytest.mark.parametrize("kappa", [4, 10, 100])
@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_in_rational_numbers_the_residual_is_chebyshev_s(layers, kappa):
    """Equal at more points than its degree, hence everywhere: the law is attained with no rest."""
    m, upper = degree(layers), Fraction(kappa)
    s = np.array([upper * Fraction(j, m + 3) for j in range(1, m + 3)], dtype=object)
    z = [(upper + 1 - 2 * point) / (upper - 1) for point in s]
    scale = chebyshev(m, (upper + 1) / (upper - 1))[m]
    left = np.array([chebyshev(m, value)[m] / scale for value in z])
    made = polynomials(layers, s, upper)[1:]
    shares = solved(made[:, :m].T, (1 - left)[:m, None])
    assert ((shares.T @ made)[0] == 1 - left).all()
    assert float(1 / scale) == pytest.approx(minimax.law(layers, 1.0, kappa), rel=1e-12)
