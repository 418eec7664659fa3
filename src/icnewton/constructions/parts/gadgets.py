"""The scalar gadgets of a built damped-Newton step, as interpolants with a bound on their errors.

They are sigma, the root of its slope, and the damping.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.constructions.parts.relu import cell_bound, spread

LEEWAY = 1.1  # factor of the damping's interval over the bound on lambda, for inexact gradients
RESOLUTION = 20001


@dataclass(frozen=True)
class Gadget:
    """Knots ``(N + 1,)``, with values ``(N + 1,)`` of each function and a bound on its error."""

    knots: Tensor
    values: dict[str, Tensor]
    bounds: dict[str, float]


def margin_radius(mu: float) -> float:
    """The lemma's bound on |w^T a_i|."""
    return math.sqrt(2 * math.log(2) / mu + 0.25)


def probability_gadget(mu: float, tolerance: float, most: int) -> Gadget:
    """The smallest logistic gadget whose two functions are both within the tolerance.

    Raises ValueError beyond ``most`` cells.
    """
    return smallest(lambda cells: logistic_gadget(margin_radius(mu), cells), tolerance, most)


def smallest(make: Callable[[int], Gadget], tolerance: float, most: int) -> Gadget:
    """The gadget of fewest cells, at least 8 and to two per cent, with all bounds in the tolerance.

    Raises ValueError beyond ``most`` cells. The message estimates how many it would take, because
    bounds fall with the square of the number of cells.
    """
    low, high = 4, 8
    while (found := max(make(high).bounds.values())) > tolerance:
        if high > most:
            needed = high * math.sqrt(found / tolerance)
            allowed = f"at most {most} cells to stay within budget"
            raise ValueError(f"a gadget must have {allowed}, found about {needed:.2g}")
        low, high = high, 2 * high
    while high - low > max(2, high // 50):
        middle = (low + high) // 2
        if max(make(middle).bounds.values()) <= tolerance:
            high = middle
        else:
            low = middle
    return make(high)


def probability(z: Tensor) -> Tensor:
    """sigma(-z)."""
    return torch.sigmoid(-z)


def root(z: Tensor) -> Tensor:
    """sqrt(d) = sqrt(sigma(z) sigma(-z)) = 1 / (2 cosh(z / 2))."""
    return (torch.sigmoid(z) * torch.sigmoid(-z)).sqrt()


def _probability_curvature(z: Tensor) -> Tensor:
    s, t = torch.sigmoid(z), torch.sigmoid(-z)
    return (s * t * (t - s)).abs()


def _root_curvature(z: Tensor) -> Tensor:
    r = root(z)
    return (r * (1 - 8 * r.square()) / 4).abs()


PROBABILITY_PEAK = math.log(2 + math.sqrt(3))  # of |sigma''|
ROOT_PEAK = 2 * math.acosh(math.sqrt(6))  # of |root''|, besides the one at 0


def logistic_gadget(radius: float, cells: int) -> Gadget:
    """sigma(-z) and sqrt(sigma(z) sigma(-z)) on [-radius, radius], with the same knots.

    The knots are symmetric about 0, which is one of them.
    """
    grid = torch.linspace(0, radius, RESOLUTION, dtype=torch.float64)

    def density(z: Tensor) -> Tensor:
        return torch.maximum(_probability_curvature(z), _root_curvature(z)).sqrt()

    half = spread(density, grid, max(cells // 2, 1))
    knots = torch.cat([-half.flip(0)[:-1], half])
    bounds = {
        "probability": cell_bound(half, _probability_curvature, [PROBABILITY_PEAK]).max().item(),
        "root": cell_bound(half, _root_curvature, [ROOT_PEAK]).max().item(),
    }
    return Gadget(knots, {"probability": probability(knots), "root": root(knots)}, bounds)


def damping_gadget(mu: float, cells: int) -> Gadget:
    """eta(v) - 1 = -sqrt v / (c + sqrt v) on [0, V], where V bounds lambda^2.

    Errors are weighted with sqrt(v / mu).
    """
    c, largest = 2 * math.sqrt(mu), (LEEWAY * decrement_bound(mu)) ** 2

    def value(v: Tensor) -> Tensor:
        return -v.sqrt() / (c + v.sqrt())

    def curvature(v: Tensor) -> Tensor:  # decreases, and is infinite at 0
        s = v.sqrt()
        return c / (4 * s**3 * (c + s) ** 2) + c / (2 * v * (c + s) ** 3)

    grid = torch.linspace(0, 1, RESOLUTION, dtype=torch.float64).pow(4) * largest
    knots = spread(lambda v: (curvature(v) * (v / mu).sqrt()).sqrt(), grid, cells)
    # the function is monotone, so no error exceeds the difference of a cell's ends
    bounds = torch.minimum(cell_bound(knots, curvature, []), value(knots).diff().abs())
    weighted = (bounds * (knots[1:] / mu).sqrt()).max().item()
    return Gadget(knots, {"damping": value(knots)}, {"damping": weighted})


def decrement_bound(mu: float) -> float:
    """A bound on lambda where f(w) <= log 2 + mu / 8, as in the lemma of ``precision.py``.

    It uses t - log(1 + t) <= (f(w) - f*) / (4 mu) for t = lambda / (2 sqrt mu), and
    lambda <= ||grad f|| / sqrt mu.
    """
    gap = (math.log(2) + mu / 8) / (4 * mu)
    low, high = 0.0, gap + math.sqrt(2 * gap) + 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if middle - math.log1p(middle) < gap else (low, middle)
    return min(2 * math.sqrt(mu) * high, (1 + mu * margin_radius(mu)) / math.sqrt(mu))
