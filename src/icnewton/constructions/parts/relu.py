"""ReLU neurons by their action: interpolation with a-priori error bounds, linear maps, squares.

A scalar function on an interval becomes one feed-forward layer: a neuron ReLU(t - t_j) for each
knot, weighted with the change of slope there. **Outside the knots the network is constant**: it
takes the value at the nearest end.

In a cell of length h, interpolation errs by at most h^2 / 8 sup |f''|. Knots are therefore spread
with density sqrt(|f''|), which makes the errors of all cells equal as the knots become many. The
bound for the knots actually placed is then computed cell by cell (``cell_bound``), with the
supremum of |f''| over the cell, not an estimate.

Linear maps of rows are exact (x = ReLU(x) - ReLU(-x)). So is clearing a row (x - x = 0 to the bit).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from icnewton.models.stream import Rows, Stream

# W_1 (hidden, width), b_1 (hidden), W_2 (width, hidden), b_2 (width)
Weights = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Interpolants:
    """Adds to each target block the piecewise-linear function of ``source``, given by its values.

    knots: ``(N + 1,)`` ascending float64. values: target -> ``(N + 1,)`` values at the knots. Every
    row of the source has its own neurons, which all targets share.
    """

    source: Rows
    knots: Tensor
    values: Mapping[str, Tensor]


@dataclass(frozen=True)
class Linear:
    """Adds rows to each target block, exactly, with two neurons a row."""

    value: Mapping[str, Rows]


Neurons = Interpolants | Linear


def clear(*rows: Rows) -> list[Linear]:
    """Sets blocks to zero, to the bit."""
    names = chain.from_iterable(block.terms for block in rows)
    return [Linear({name: Rows({name: -1.0})}) for name in names]


def interpolate(knots: Tensor, values: Tensor, t: Tensor) -> Tensor:
    """What ``Interpolants`` computes, without a network; constant outside the knots."""
    t = t.clamp(knots[0], knots[-1])
    cell = (torch.searchsorted(knots, t, right=True) - 1).clamp(0, len(knots) - 2)
    left, right = knots[cell], knots[cell + 1]
    weight = (t - left) / (right - left)
    return values[cell] * (1 - weight) + values[cell + 1] * weight


def spread(density: Callable[[Tensor], Tensor], grid: Tensor, cells: int) -> Tensor:
    """``(cells + 1,)`` knots with equal integrals of ``density`` between them.

    ``grid`` must be fine enough to resolve the density.
    """
    middle = (grid[1:] + grid[:-1]) / 2
    mass = torch.cat([torch.zeros(1, dtype=grid.dtype), (density(middle) * grid.diff()).cumsum(0)])
    targets = torch.linspace(0, 1, cells + 1, dtype=grid.dtype) * mass[-1]
    knots = interpolate(mass, grid, targets)
    knots[0], knots[-1] = grid[0], grid[-1]
    return knots


def cell_bound(
    knots: Tensor, curvature: Callable[[Tensor], Tensor], peaks: Sequence[float]
) -> Tensor:
    """``(N,)`` bounds h^2 / 8 sup |f''| on the error in each cell, rigorous up to rounding.

    ``curvature`` is |f''|. It is monotone between its ``peaks``, so its supremum over a cell is at
    an end or a peak.
    """
    left, right = knots[:-1], knots[1:]
    supremum = torch.maximum(curvature(left), curvature(right))
    for peak in peaks:
        inside = (left <= peak) & (peak <= right)
        raised = torch.maximum(supremum, curvature(torch.full_like(left, peak)))
        supremum = torch.where(inside, raised, supremum)
    return (right - left).square() / 8 * supremum


def parabola(low: float, high: float, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """Knots, values of t^2 at them, and a sawtooth s in [0, 1] that carries the rest of t^2.

    Cells are equal, of length h = (high - low) / cells, and s is 0 and 1 at alternate knots. Then

        t^2 = interpolant - h^2 (s - s^2).

    The rest is again a parabola, so a second layer of as many neurons squares the accuracy: after
    it the error is one-sided and at most h^2 / (4 cells^2).
    """
    knots = torch.linspace(low, high, cells + 1, dtype=torch.float64)
    return knots, knots.square(), torch.arange(cells + 1, dtype=torch.float64) % 2


def product(
    r: Rows, a: Rows, target: str, scratch: tuple[str, str], cells: int
) -> tuple[list[Neurons], list[Neurons]]:
    """Two layers of neurons that add r a to ``target``, for a row r and rows a.

    r must lie in [0, 1/2] and a in [-1, 1]. The product is

        r a = ((2 r + a)^2 - (2 r - a)^2) / 8,

    with each square by ``parabola`` on [-1, 2] and then on [0, 1]. The ``scratch`` blocks hold the
    two sawteeth in between; they must be zero before and are zero again after. The error is at
    most ``product_bound(cells)``.
    """
    knots, squares, sawtooth = parabola(-1.0, 2.0, cells)
    unit, parabolas, _ = parabola(0.0, 1.0, cells)
    rest = (3 / cells) ** 2 / 8 * (unit - parabolas)
    first: list[Neurons] = [
        Interpolants(2 * r + a, knots, {target: squares / 8, scratch[0]: sawtooth}),
        Interpolants(2 * r - a, knots, {target: -squares / 8, scratch[1]: sawtooth}),
    ]
    second: list[Neurons] = []
    for name, values in zip(scratch, (-rest, rest), strict=True):
        teeth = Rows({name: 1.0})
        second += [Interpolants(teeth, unit, {target: values}), *clear(teeth)]
    return first, second


def product_bound(cells: int) -> float:
    """The error of ``product``.

    Two one-sided errors of at most h^2 / (4 cells^2), h = 3 / cells, are divided by 8.
    """
    return 9 / (32 * cells**4)


def count_neurons(stream: Stream, neurons: Sequence[Neurons]) -> int:
    """How many neurons the actions take."""
    return sum(_count(stream, n) for n in neurons)


def _count(stream: Stream, neurons: Neurons) -> int:
    if isinstance(neurons, Interpolants):
        return stream.size(neurons.source) * len(neurons.knots)
    return 2 * sum(map(stream.size, neurons.value.values()))


def compile_neurons(stream: Stream, neurons: Sequence[Neurons]) -> Weights:
    """The weights of one feed-forward layer that does all these actions."""
    parts = [
        _interpolants(stream, n) if isinstance(n, Interpolants) else _linear(stream, n)
        for n in neurons
    ]
    first, bias, second, constant = zip(*parts, strict=True)
    return torch.cat(first), torch.cat(bias), torch.cat(second, 1), torch.stack(constant).sum(0)


def _interpolants(stream: Stream, neurons: Interpolants) -> Weights:
    knots, source = neurons.knots, stream.selector(neurons.source)
    rows, count = source.shape[0], len(knots)
    second = torch.zeros(stream.width, rows, count, dtype=torch.float64)
    constant = torch.zeros(stream.width, dtype=torch.float64)
    for target, values in neurons.values.items():
        slopes = torch.cat([torch.zeros(1), values.diff() / knots.diff(), torch.zeros(1)])
        index = torch.arange(stream.width)[stream.slice(target)]
        if len(index) != rows:
            raise ValueError(
                f"the neurons' source has {rows} rows, their target {target!r} has {len(index)}"
            )
        second[index, torch.arange(rows)] += slopes.diff()
        constant[index] += values[0]
    first = source.repeat_interleave(count, 0)
    return first, -knots.repeat(rows), second.reshape(stream.width, rows * count), constant


def _linear(stream: Stream, neurons: Linear) -> Weights:
    sources = torch.cat([stream.selector(source) for source in neurons.value.values()])
    rows = torch.arange(stream.width)
    targets = torch.cat([rows[stream.slice(target)] for target in neurons.value])
    second = torch.zeros(stream.width, len(sources), dtype=torch.float64)
    second[targets, torch.arange(len(sources))] = 1.0
    first = torch.cat([sources, -sources])
    bias, constant = (torch.zeros(size, dtype=torch.float64) for size in (len(first), stream.width))
    return first, bias, torch.cat([second, -second], 1), constant
