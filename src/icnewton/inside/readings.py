"""What a model would answer after each layer, and how far that is from what it should be.

A built model holds the iterate of its algorithm in a block; ``emulated.py`` says which. For a
learned model the read-out is applied to the stream after each layer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
from torch import Tensor

from icnewton.algorithms.damped_newton import damped_newton
from icnewton.algorithms.gdpp import descent
from icnewton.algorithms.gradient_descent import gradient_descent
from icnewton.algorithms.logistic_gradient_descent import logistic_gradient_descent
from icnewton.algorithms.newton import newton_inverse, newton_start
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.inside.emulated import Emulated, emulated
from icnewton.models.model import Model
from icnewton.problems.parts.logistic_loss import loss, minimise

Values = list[float | None]
Iterates = Iterator[Tensor]


@dataclass(frozen=True)
class Column:
    """An error after each layer, None where there is none. Comparisons belong to other methods."""

    title: str
    values: Values
    is_comparison: bool = False


@dataclass(frozen=True)
class Readings:
    """The estimates of one prompt after each layer, None before there is one, and their errors."""

    symbol: str
    estimates: list[Tensor | None]
    columns: list[Column]


def estimates(model: Model, *inputs: Tensor) -> Iterator[Tensor | None]:
    """The estimate ``(batch, ...)`` of each prompt, before the first and after each layer."""
    algorithm, transformer = emulated(model, *inputs), model.transformer
    for layer, stream in enumerate(transformer.streams(model.format.tokens(*inputs))):
        if algorithm is None:
            yield model.format.read(transformer.read(stream))
        elif algorithm.step_after(layer) is None:
            yield None
        else:
            yield algorithm.estimate(model.format.stream.unpack(stream))


def readings(model: Model, *inputs: Tensor) -> Readings:
    """The estimates of a prompt ``(1, ...)`` and what they are held against."""
    found = list(estimates(model, *inputs))
    algorithm = emulated(model, *inputs)
    columns = [_emulation(algorithm, found)] if algorithm else []
    if "A" in model.format.inputs:
        return Readings("X", found, [*columns, _left(inputs[0], found)])
    if found[-1] is not None and found[-1].ndim == 1:
        return Readings("ŷ", found, columns + _linear(model, found, *inputs))
    return Readings("w", found, columns + _logistic(model, found, *inputs))


def _distance(left: Tensor, right: Tensor) -> float:
    return float((left - right).norm())


def _errors(found: list[Tensor | None], target: Tensor) -> Values:
    return [None if estimate is None else _distance(estimate, target) for estimate in found]


def _emulation(algorithm: Emulated, found: list[Tensor | None]) -> Column:
    """The distance to the algorithm's iterate, where a step is complete."""
    iterates = list(islice(algorithm.iterates, algorithm.steps + 1))
    values: Values = []
    for layer, estimate in enumerate(found):
        step = algorithm.step_after(layer)
        if estimate is None or step is None or not algorithm.is_complete(layer):
            values.append(None)
        else:
            values.append(_distance(estimate, iterates[step]))
    return Column("from the algorithm’s iterate", values)


def _left(A: Tensor, found: list[Tensor | None]) -> Column:
    identity = torch.eye(A.shape[-1], dtype=A.dtype)
    values: Values = [None if X is None else float((identity - X @ A).norm()) for X in found]
    return Column("residual ‖I − XA‖", values)


def _compared(title: str, iterates: Iterates, target: Tensor, count: int) -> Column:
    errors = [_distance(iterate, target) for iterate in islice(iterates, count)]
    return Column(title, [*errors], is_comparison=True)


def _linear(model: Model, found: list[Tensor | None], x: Tensor, y: Tensor) -> list[Column]:
    """Distances to least squares, with the ridge that a construction has."""
    query = x[:, -1]
    S, b = gram_matrix(x[:, :-1], _ridge(model)), moment(x[:, :-1], y)
    pseudo_inverse = torch.linalg.pinv(S, hermitian=True)
    target = (query * (pseudo_inverse @ b.unsqueeze(-1)).squeeze(-1)).sum(-1)
    columns = [Column("from least squares", _errors(found, target))]
    if model.card.kind == "built":
        return columns

    def answers(weights: Iterates) -> Iterates:
        return ((query * w).sum(-1) for w in weights)

    newton = ((X @ b.unsqueeze(-1)).squeeze(-1) for X in newton_inverse(S, newton_start(S)))
    others = {"Newton": newton, "GD++": descent(S, b), "gradient descent": gradient_descent(S, b)}
    count = len(found)
    return columns + [_compared(n, answers(w), target, count) for n, w in others.items()]


def _ridge(model: Model) -> float:
    return float(model.card.origin.get("ridge") or 0.0)


def regularisation(model: Model) -> float | None:
    """The mu of a logistic model; None where its card does not say."""
    origin = model.card.origin
    mu = origin.get("mu", origin.get("run", {}).get("condition", {}).get("mu"))
    return None if mu is None else float(mu)


def _logistic(model: Model, found: list[Tensor | None], x: Tensor, y: Tensor) -> list[Column]:
    """Distances to the minimiser and excess losses."""
    mu = regularisation(model)
    if mu is None:
        return []
    target = minimise(x, y, mu)
    lowest = loss(target, x, y, mu)
    excess: Values = []
    for w in found:
        excess.append(None if w is None else max(float(loss(w, x, y, mu) - lowest), 0.0))
    columns = [
        Column("from the minimiser w*", _errors(found, target)),
        Column("excess loss f(w) − f(w*)", excess),
    ]
    if model.card.kind == "built":
        return columns
    compare: Callable[[str, Iterates], Column]
    compare = partial(_compared, target=target, count=len(found))
    newton, descent_ = damped_newton(x, y, mu), logistic_gradient_descent(x, y, mu)
    return [*columns, compare("damped Newton", newton), compare("gradient descent", descent_)]
