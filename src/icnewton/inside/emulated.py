"""Which algorithm a built model executes, where its iterate lies in the stream, and when."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.algorithms.damped_newton import damped_step
from icnewton.algorithms.gdpp import residual
from icnewton.algorithms.newton import newton_inverse
from icnewton.algorithms.parts.chebyshev import chebyshev_inverse, chebyshev_residual
from icnewton.algorithms.parts.extremal import degree
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.models.families import FAMILIES
from icnewton.models.model import Model
from icnewton.problems.parts.logistic_loss import gradient

Blocks = Mapping[str, Tensor]


@dataclass(frozen=True)
class Emulated:
    """An algorithm beside the layers that execute it.

    title: for people. iterates: those of steps 0, 1, ..., in the shape of the estimates.
    estimate: from the blocks after a layer to the iterate that they hold.
    before: layers before the first step. per_step: layers of one. steps: how many there are.
    """

    title: str
    iterates: Iterator[Tensor]
    estimate: Callable[[Blocks], Tensor]
    before: int
    per_step: int
    steps: int

    def step_after(self, layer: int) -> int | None:
        """The step whose iterate the stream holds after a layer; None before the first.

        Layers behind the last step, which only read, count to it.
        """
        done = layer - self.before
        return None if done < 0 else min(done // self.per_step, self.steps)

    def is_complete(self, layer: int) -> bool:
        """Whether a step ends with a layer, or ended for good before it."""
        done = layer - self.before
        return done >= 0 and (done % self.per_step == 0 or done > self.per_step * self.steps)


def emulated(model: Model, *inputs: Tensor) -> Emulated | None:
    """The algorithm of a built model on prompts ``(batch, ...)``; None where none is known."""
    make = EMULATED.get(model.card.family) if model.card.kind == "built" else None
    return make(model, *inputs) if make else None


def name_of(model: Model) -> str:
    """What a model is called on the page."""
    family = model.card.family
    if model.card.kind == "learned":
        return FAMILIES[family].title
    return NAMES.get(family, family.replace("_", " "))


def _read(model: Model) -> Callable[[Blocks], Tensor]:
    """The block where the answer appears, after any layer."""
    return lambda blocks: model.format.read(torch.cat([*blocks.values()], -1))


def _least_squares(model: Model, x: Tensor, y: Tensor) -> Emulated:
    origin, query, d = model.card.origin, x[:, -1], x.shape[-1]
    order, step, ridge = origin["order"], origin["step"], origin["ridge"]
    S, b = gram_matrix(x[:, :-1], ridge), moment(x[:, :-1], y)
    if step == "newton":
        found = newton_inverse(S, origin["alpha"] * S, order)
        title = f"Newton’s iteration of order {order} for (AᵀA)⁻¹, from X₀ = α AᵀA"
    else:
        lower, upper = (end + ridge for end in origin["spectrum"])
        found = chebyshev_inverse(S, lower, upper, order)
        title = f"Chebyshev steps of order {order} for (AᵀA)⁻¹ on [{lower:.3g}, {upper:.3g}]"

    def predicted(X: Tensor) -> Tensor:
        return (query.unsqueeze(1) @ X @ b.unsqueeze(-1)).view(-1)

    per_step, reading = model.card.layers_per_step or 1, 1 if order == 3 else 2
    return Emulated(
        title,
        (predicted(X) for X in found),
        lambda blocks: predicted(blocks["X"][:, :d].mT),
        model.card.depth - reading - per_step * origin["steps"],
        per_step,
        origin["steps"],
    )


def _polynomial(x: Tensor, y: Tensor, r: Callable[[Tensor], Tensor]) -> Tensor:
    """a^T (I - r(S)) S^{-1} b, ``(batch,)``."""
    eigenvalues, V = torch.linalg.eigh(gram_matrix(x[:, :-1]))
    along = (x[:, -1:] @ V) * (moment(x[:, :-1], y).unsqueeze(1) @ V)
    share = ((1 - r(eigenvalues)) / eigenvalues.clamp_min(1e-300)).unsqueeze(1)
    return (along * share).sum((-2, -1))


def _gdpp(model: Model, x: Tensor, y: Tensor) -> Emulated:
    gammas, etas = model.card.origin["gammas"], model.card.origin["etas"]

    def answer(steps: int) -> Tensor:
        return _polynomial(x, y, lambda s: residual(s, gammas[:steps], etas[:steps]))

    answers = map(answer, range(len(gammas) + 1))
    return Emulated("GD++ with these scalars", answers, _read(model), 0, 1, len(gammas))


def _minimax(model: Model, x: Tensor, y: Tensor) -> Emulated:
    (lower, upper), layers = model.card.origin["spectrum"], model.card.depth
    m = degree(layers)
    whole = _polynomial(x, y, lambda s: chebyshev_residual(s, m, lower, upper))
    title = (
        f"the polynomial of degree {m} that is best in the worst case on [{lower:.3g}, {upper:.3g}]"
    )
    return Emulated(title, iter([torch.zeros_like(whole), whole]), _read(model), 0, layers, 1)


def _inverse(model: Model, A: Tensor, X0: Tensor | None = None) -> Emulated:
    origin = model.card.origin
    order, steps = origin["order"], origin["steps"]
    if X0 is None:
        lower, upper = origin["spectrum"]
        found = chebyshev_inverse(A, lower, upper, order)
        title = f"Chebyshev steps of order {order} for A⁻¹"
    else:
        found = newton_inverse(A, X0, order)
        title = f"Newton’s iteration of order {order} for A⁻¹, from X₀"
    per_step = model.card.layers_per_step or 1
    before = model.card.depth - per_step * steps
    return Emulated(title, found, lambda blocks: blocks["X"].mT, before, per_step, steps)


def _logistic(title: str, step: Callable[[Model, Tensor, Tensor, Tensor], Tensor]) -> "Make":
    def make(model: Model, x: Tensor, y: Tensor) -> Emulated:
        def iterates() -> Iterator[Tensor]:
            w = torch.zeros_like(x[:, 0])
            while True:
                yield w
                w = step(model, w, x, y)

        per_step = model.card.layers_per_step or 1
        steps = model.card.origin["steps"]
        return Emulated(title, iterates(), _read(model), 0, per_step, steps)

    return make


def _newton_step(model: Model, w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return damped_step(w, x, y, model.card.origin["mu"])


def _gradient_step(model: Model, w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    origin = model.card.origin
    return w - origin["rate"] * gradient(w, x, y, origin["mu"])


Make = Callable[..., Emulated]
EMULATED: Mapping[str, Make] = {
    "least_squares": _least_squares,
    "gdpp": _gdpp,
    "minimax": _minimax,
    "inverse": _inverse,
    "damped_newton": _logistic("damped Newton on the logistic loss, from w = 0", _newton_step),
    "logistic_gradient_descent": _logistic(
        "gradient descent on the logistic loss, from w = 0", _gradient_step
    ),
}
NAMES = {
    "gdpp": "GD++",
    "inverse": "matrix inversion",
    "damped_newton": "damped Newton",
    "logistic_gradient_descent": "gradient descent on the logistic loss",
}
