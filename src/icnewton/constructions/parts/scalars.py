"""The scalars of GD++ with L layers: gamma_0, ..., gamma_{L-1} and eta_0, ..., eta_{L-2}.

The triangle's follow from a bound on the spectrum. Others minimise a function of the residual
polynomial r, which is smooth but not convex. Minimisers start at the triangle and at random
scalars near it, always the same ones.
"""

import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linprog, minimize  # type: ignore[import-untyped]
from torch import Tensor

from icnewton.algorithms.gdpp import residual, triangle
from icnewton.algorithms.parts.chebyshev import extremes
from icnewton.algorithms.parts.normal_equations import gram_matrix
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator

STARTS, FEW, ROUNDS = 16, 8, 40
POWERS = (2, 8, 32)
EXACT = 1e-15
PROMPTS, TAIL = 4096, 0.005  # to which scalars are fitted, and the share of extremes left out
REACH, WEIGHT = 1.5, 1e3  # how far beyond the largest eigenvalue a guard goes, and how hard it is
Objective = Callable[[Tensor], Tensor]  # of the logarithms of the scalars


class Scalars(NamedTuple):
    """Positive scalars of labels and of examples."""

    gammas: tuple[float, ...]
    etas: tuple[float, ...]

    @property
    def settings(self) -> dict[str, tuple[float, ...]]:
        """Keywords of ``build("gdpp", ...)``; one layer has no etas."""
        return {"gammas": self.gammas} | ({"etas": self.etas} if self.etas else {})


def triangle_scalars(layers: int, upper: float) -> Scalars:
    """gamma_l = eta_l = (4/3) 9^l / u; infinite where that is beyond float64."""
    values = [float(triangle(layer, upper)) for layer in range(layers)]
    return Scalars(tuple(values), tuple(values[:-1]))


def minimax_scalars(layers: int, lower: float, upper: float) -> Scalars:
    """Scalars with a small max |r| on [l, u], a local minimum.

    One head has 2 L - 1 scalars, fewer than a polynomial of its degree. All that were found lie
    above the minimax law from two layers on.
    """
    points = extremes(60 * layers, lower, upper)

    def mean_power(power: int) -> Objective:
        def value(logarithms: Tensor) -> Tensor:
            size = _residual(logarithms, points).abs()
            largest = size.max().detach().clamp_min(1e-300)
            return largest.log() + (size / largest).pow(power).mean().log() / power

        return value

    found = []
    for start in _starts(layers, upper):
        for power in POWERS:
            start = _descend(mean_power(power), start)
        found.append(start)

    def largest(logarithms: np.ndarray) -> float:
        return float(_residual(torch.from_numpy(logarithms), points).abs().max())

    best = sorted(found, key=largest)[:3]
    return _scalars(min((_equalise(start, points) for start in best), key=largest))


def fit_gdpp(condition: LinearCondition, layers: int, guarded: bool = False) -> Scalars:
    """Scalars with a small mean squared error over prompts of a condition.

    Of 4,096 prompts those with the most extreme eigenvalues are left out, one in a hundred: they
    would decide alone. There |r| may be large, and so may be the mean error over all prompts.
    ``guarded`` keeps |r| within about 1 up to 1.5 times the largest eigenvalue, by a penalty, for a
    larger error elsewhere. Raises ValueError for layers < 1.
    """
    if layers < 1:
        raise ValueError(f"layers must be at least 1, found {layers}")
    spectra, along, largest = _usual_prompts(condition)
    beyond = REACH * largest * torch.linspace(0, 1, 500, dtype=torch.float64)

    def value(logarithms: Tensor) -> Tensor:
        # w is standard normal: its part along an eigenvector is left with the factor r, and noise
        # enters as (1 - r) / sqrt(lambda)
        r = _residual(logarithms, spectra)
        left = r.square() + condition.noise**2 * (1 - r).square() / spectra
        mean = (along * left).sum(1).mean()
        if guarded:
            excess = (_residual(logarithms, beyond).square() - 0.98).clamp_min(0)
            mean = mean + WEIGHT * excess.square().mean()
        return mean.log()

    upper = REACH * largest if guarded else largest
    found = [_descend(value, start) for start in _starts(layers, upper)]
    return _scalars(min(found, key=lambda logarithms: _value(value, logarithms)[0]))


def fit_residuals(eigenvalues: Tensor, residuals: Tensor, layers: int) -> tuple[Scalars, float]:
    """The scalars whose polynomial is nearest to residuals at eigenvalues, both ``(count,)``.

    The root mean square of the difference is returned with them.
    """

    def value(logarithms: Tensor) -> Tensor:
        return (_residual(logarithms, eigenvalues) - residuals).square().mean().log()

    starts = islice(_starts(layers, eigenvalues.max().item()), FEW)
    found = [_descend(value, start) for start in starts]
    best = min(found, key=lambda logarithms: _value(value, logarithms)[0])
    return _scalars(best), math.exp(_value(value, best)[0] / 2)


@cache
def _usual_prompts(condition: LinearCondition) -> tuple[Tensor, Tensor, float]:
    """Spectra of A^T A and squared parts of the queries along eigenvectors over tr Sigma.

    Both are ``(prompts, d)``. The largest eigenvalue is that of all prompts.
    """
    prompts = sample(condition, PROMPTS, 1, generator("descent", condition))
    spectra, V = torch.linalg.eigh(gram_matrix(prompts.x[:, :-1]))
    along = (prompts.x[:, -1:] @ V).squeeze(1).square() / prompts.scale.unsqueeze(1)
    low, high = spectra[:, 0].quantile(TAIL), spectra[:, -1].quantile(1 - TAIL)
    usual = (spectra[:, 0] >= low) & (spectra[:, -1] <= high)
    return spectra[usual], along[usual], spectra.max().item()


def _residual(logarithms: Tensor, eigenvalues: Tensor) -> Tensor:
    scalars, layers = logarithms.exp(), (len(logarithms) + 1) // 2
    return residual(eigenvalues, scalars[:layers], scalars[layers:])


def _scalars(logarithms: np.ndarray) -> Scalars:
    values, layers = np.exp(logarithms).tolist(), (len(logarithms) + 1) // 2
    return Scalars(tuple(values[:layers]), tuple(values[layers:]))


def _starts(layers: int, upper: float) -> Iterator[np.ndarray]:
    """Logarithms of the triangle's scalars, and of random ones that grow more slowly."""
    source = np.random.default_rng(0)
    gammas, etas = triangle_scalars(layers, upper)
    logarithms = np.log(np.array([*gammas, *etas]))
    growth = np.array([*range(layers), *range(layers - 1)])
    yield logarithms
    for _ in range(STARTS - 1):
        slower = source.uniform(0, 1.2) * growth
        yield logarithms - slower + source.normal(0, 0.25, len(logarithms))


def _value(objective: Objective, logarithms: np.ndarray) -> tuple[float, np.ndarray]:
    """The objective and its gradient; a large value where it overflows."""
    variable = torch.tensor(logarithms, requires_grad=True)
    value = objective(variable)
    if not bool(value.isfinite()):
        return 1e3, np.zeros_like(logarithms)
    (gradient,) = torch.autograd.grad(value, variable)
    return value.item(), np.nan_to_num(gradient.numpy())


def _descend(objective: Objective, start: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = minimize(
            lambda logarithms: _value(objective, logarithms),
            start,
            jac=True,
            method="BFGS",
            options={"maxiter": 600},
        )
    return np.asarray(found.x if np.isfinite(found.x).all() else start)


def _equalise(logarithms: np.ndarray, points: Tensor) -> np.ndarray:
    """A smaller max |r| by linear programs in a trust region: a step of Remez' kind each."""

    def at(values: np.ndarray) -> np.ndarray:
        return np.asarray(_residual(torch.from_numpy(values), points))

    best, radius = np.abs(at(logarithms)).max(), 0.05
    for _ in range(ROUNDS):
        if best < EXACT:  # an interval of one point
            break
        jacobian = torch.autograd.functional.jacobian(
            lambda values: _residual(values, points), torch.from_numpy(logarithms)
        )
        r, J, ones = at(logarithms) / best, jacobian.numpy() / best, np.ones((len(points), 1))
        program = linprog(
            np.append(np.zeros_like(logarithms), 1.0),
            A_ub=np.block([[J, -ones], [-J, -ones]]),
            b_ub=np.append(-r, r),
            bounds=[*[(-radius, radius)] * len(logarithms), (0, None)],
        )
        moved = logarithms if program.x is None else logarithms + program.x[:-1]
        if (largest := np.abs(at(moved)).max()) < best:
            logarithms, best, radius = moved, largest, min(1.5 * radius, 0.5)
        else:
            radius /= 3
        if radius < 1e-9:
            break
    return logarithms
