"""What a layer does, read off its weights: the inverse of ``constructions/parts/heads.py``.

With tokens as columns, a head adds O V H (K H)^T (Q H), so O V and K^T Q are all that counts. Cut
into blocks of the stream, each is a table of d x d matrices. Where all of those are multiples of
the identity, the head is (value)(key)^T(query) for combinations of blocks, and a ``Head`` says
which. Nothing is taken from the construction but the names and sizes of its blocks.

A ReLU network is a sum of functions of one variable each: neurons that read the same combination of
blocks make a piecewise-linear function of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.constructions.parts.heads import Head
from icnewton.models.stream import Rows, Stream
from icnewton.models.transformer import Attention, FeedForward

EXACT = 1e-12  # relative rounding of products of weights
Matrix = Mapping[tuple[str, str], float]  # of blocks: (row, column) to a multiple of the identity
Terms = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Curve:
    """Adds a piecewise-linear function of ``source`` to a target block, row by row.

    knots, values: ``(count,)``, ascending. slopes: those before the first and after the last knot.
    """

    target: str
    source: Rows
    knots: Tensor
    values: Tensor
    slopes: tuple[float, float]

    @property
    def coefficient(self) -> float | None:
        """c where the function is c times its variable; None where it is not."""
        is_linear = len(self.knots) == 1 and self.slopes[0] == self.slopes[1]
        return self.slopes[0] if is_linear and not bool(self.values.any()) else None

    def __call__(self, t: Tensor) -> Tensor:
        """The function at t, of the shape of t."""
        knots, values = self.knots, self.values
        cell = (torch.searchsorted(knots, t) - 1).clamp(0, max(len(knots) - 2, 0))
        right = (cell + 1).clamp(max=len(knots) - 1)
        length = (knots[right] - knots[cell]).clamp_min(1e-300)
        inside = values[cell] + (values[right] - values[cell]) * (t - knots[cell]) / length
        before = values[0] + self.slopes[0] * (t - knots[0])
        after = values[-1] + self.slopes[1] * (t - knots[-1])
        return torch.where(t < knots[0], before, torch.where(t > knots[-1], after, inside))


@dataclass(frozen=True)
class Network:
    """A feed-forward network as functions of one variable, and constants of target blocks."""

    curves: Sequence[Curve]
    constants: Mapping[str, float]


def heads_of(attention: Attention, stream: Stream) -> list[Head] | None:
    """The heads that do something, in order; None where one is no product of combinations."""
    config = attention.config
    if config.attention != "linear" or config.layer_norm or config.attention_bias:
        return None
    found = []
    for index in range(config.heads):
        rows = slice(index * config.head_dim, (index + 1) * config.head_dim)
        written = config.scale * attention.output.weight[:, rows] @ attention.value.weight[rows]
        compared = attention.key.weight[rows].T @ attention.query.weight[rows]
        if not (bool(written.any()) and bool(compared.any())):
            continue
        head = _head(_table(written, stream), _table(compared, stream))
        if head is None:
            return None
        found.append(head)
    return found


def _head(written: Matrix | None, compared: Matrix | None) -> Head | None:
    if written is None or compared is None:
        return None
    value: dict[str, Rows] = {}
    for (target, source), size in written.items():
        value[target] = value.get(target, Rows({})) + Rows({source: size})
    (first, second), leading = next(iter(compared.items()))
    key = Rows({k: size / leading for (k, q), size in compared.items() if q == second})
    query = Rows({q: size for (k, q), size in compared.items() if k == first})
    pairs = {(k, q): c * s for k, c in key.terms.items() for q, s in query.terms.items()}
    if pairs.keys() != compared.keys():
        return None
    if any(abs(pairs[pair] - size) > EXACT * abs(size) for pair, size in compared.items()):
        return None
    return Head(value, key, query)


def _table(matrix: Tensor, stream: Stream) -> Matrix | None:
    """The blocks that are not zero; None where one is no multiple of the identity."""
    found, least = {}, EXACT * matrix.abs().max()
    for row in stream.sizes:
        for column in stream.sizes:
            block = matrix[stream.slice(row), stream.slice(column)]
            if not bool((block.abs() > least).any()):
                continue
            if block.shape[0] != block.shape[1]:
                return None
            identity = torch.eye(len(block), dtype=block.dtype)
            if bool(((block - block[0, 0] * identity).abs() > least).any()):
                return None
            found[row, column] = block[0, 0].item()
    return found


def network_of(network: FeedForward, stream: Stream) -> Network | None:
    """The functions of a ReLU network; None where its neurons do not go row by row."""
    groups = _groups(network, stream)
    constants = _constants(network.second.bias, stream)
    if network.activation is not F.relu or groups is None or constants is None:
        return None
    rows: dict[tuple[str, Terms], list[Curve]] = {}
    for (terms, row), (neurons, slopes) in groups.items():
        written = network.second.weight[:, neurons]
        is_number = all(stream.sizes[name] == 1 for name, _ in terms)
        for coordinate in written.any(1).nonzero().flatten().tolist():
            target, target_row = _place(coordinate, stream)
            if not is_number and target_row != row:
                return None
            biases = network.first.bias[neurons]
            curve = _curve(target, terms, slopes, biases, written[coordinate])
            rows.setdefault((target, terms), []).append(curve)
    if not all(_are_equal(curves) for curves in rows.values()):
        return None
    return Network([curves[0] for curves in rows.values()], constants)


def _groups(
    network: FeedForward, stream: Stream
) -> dict[tuple[Terms, int], tuple[list[int], Tensor]] | None:
    """Neurons that read the same combination of the same row, with the factors by which they do."""
    weights = network.first.weight
    places = [_place(column, stream) for column in range(stream.width)]
    reads: list[list[tuple[str, int, float]]] = [[] for _ in weights]
    for neuron, column in weights.nonzero().tolist():
        reads[neuron].append((*places[column], weights[neuron, column].item()))
    found: dict[tuple[Terms, int], tuple[list[int], list[float]]] = {}
    for neuron, terms in enumerate(reads):
        if not terms:
            continue
        rows = {row for name, row, _ in terms if stream.sizes[name] > 1}
        if len(rows) > 1 or len({name for name, *_ in terms}) < len(terms):
            return None
        factor = terms[0][2]
        unit = tuple((name, value / factor) for name, _, value in terms)
        neurons, factors = found.setdefault((unit, next(iter(rows), 0)), ([], []))
        neurons.append(neuron)
        factors.append(factor)
    return {
        group: (neurons, torch.tensor(factors, dtype=weights.dtype))
        for group, (neurons, factors) in found.items()
    }


def _place(coordinate: int, stream: Stream) -> tuple[str, int]:
    for name, size in stream.sizes.items():
        if coordinate < size:
            return name, coordinate
        coordinate -= size
    raise IndexError(coordinate)


def _curve(target: str, terms: Terms, slopes: Tensor, biases: Tensor, sizes: Tensor) -> Curve:
    """sum_j c_j ReLU(s_j t + b_j), as a function of t."""
    used = sizes != 0
    slopes, biases, sizes = slopes[used], biases[used], sizes[used]
    knots = torch.unique(-biases / slopes)
    values = (sizes * torch.relu(slopes * knots.unsqueeze(-1) + biases)).sum(-1)
    before = (sizes * slopes)[slopes < 0].sum().item()
    after = (sizes * slopes)[slopes > 0].sum().item()
    return Curve(target, Rows(dict(terms)), knots, values, (before, after))


def _constants(bias: Tensor, stream: Stream) -> dict[str, float] | None:
    """What is added to all rows of a block; None where rows differ."""
    constants = {}
    for name in stream.sizes:
        part = bias[stream.slice(name)]
        if bool((part != part[0]).any()):
            return None
        if part[0] != 0:
            constants[name] = part[0].item()
    return constants


def _are_equal(curves: Iterable[Curve]) -> bool:
    first, *others = curves
    return all(
        torch.equal(first.knots, other.knots) and torch.equal(first.values, other.values)
        for other in others
    )
