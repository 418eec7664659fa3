"""The domains of built logistic models.

``checked`` says what an answer w leaves of the loss, for built and learned models alike.
"""

import math
from itertools import islice

import torch
from torch import Tensor

from icnewton.algorithms.damped_newton import damped_newton
from icnewton.constructions.parts.precision import smallest_error
from icnewton.domains.check import Check
from icnewton.models.model import Card, Model
from icnewton.problems.parts import logistic_loss as logistic
from icnewton.typed import plain

MOST_STEPS = 1000  # of damped Newton; the number that it needs does not grow with the dimension


def checked(w: Tensor, x: Tensor, y: Tensor, mu: float, steps: Tensor, complaint: str) -> Check:
    """A check of w.

    The residual is ||grad f(w)||, the spectrum that of the Hessian at w. The expected error is
    ||grad f|| / mu, which bounds ||w - w*|| because f is mu-strongly convex.
    """
    residual = torch.linalg.vector_norm(logistic.gradient(w, x, y, mu), dim=-1)
    finite = torch.where(w.isfinite(), w, 0.0)
    eigenvalues = torch.linalg.eigvalsh(logistic.hessian(finite, x, y, mu))
    return Check(residual, eigenvalues[:, [0, -1]], residual / mu, steps, complaint)


class DampedNewtonDomain:
    """Rows of norm at most 1 and labels -1 and 1, for gadgets with a bound.

    The format demands those rows and labels.
    """

    def __init__(self, card: Card) -> None:
        self.mu = plain("mu", card.origin["mu"], float)
        self.bound = plain("step_error_bound", card.origin["step_error_bound"], float | None)

    def complaint(self, dtype: torch.dtype, x: Tensor, y: Tensor) -> str:
        """A sentence if no bound on the error of a step holds.

        The gadgets are then too coarse, or the precision is too low.
        """
        if self.bound is None:
            return (
                "no bound holds for the steps of this model: its gadgets, set by hand, are too "
                f"coarse for mu = {self.mu:g}; "
                "expected more knots or inner_steps, or an error to choose them by"
            )
        if self.bound < 0.9 * smallest_error(self.mu, torch.finfo(dtype).eps / 2):
            bound = f"the bound {self.bound:.3g} on the error of this model's steps"
            return f"{bound} holds in float64, not in {dtype}"
        return ""

    def check(self, model: Model, x: Tensor, y: Tensor, tolerance: float) -> Check:
        """What w leaves of the loss.

        steps: the exact damped-Newton steps that bring ||grad f|| / mu within the tolerance.
        """
        complaint = self.complaint(model.transformer.dtype, x, y)
        w, x, y = (tensor.detach().double() for tensor in (model.answer(x, y), x, y))
        steps = torch.full_like(w[:, 0], torch.inf)
        for count, iterate in enumerate(islice(damped_newton(x, y, self.mu), MOST_STEPS)):
            gradient = logistic.gradient(iterate, x, y, self.mu)
            error = torch.linalg.vector_norm(gradient, dim=-1) / self.mu
            steps = torch.where((error <= tolerance) & steps.isinf(), float(count), steps)
            if not bool(steps.isinf().any()):
                break
        return checked(w, x, y, self.mu, steps, complaint)


class GradientDescentDomain:
    """Rows of norm at most 1 and labels -1 and 1, which the format demands."""

    def __init__(self, card: Card) -> None:
        self.mu, self.rate = (plain(name, card.origin[name], float) for name in ("mu", "rate"))

    def complaint(self, dtype: torch.dtype, x: Tensor, y: Tensor) -> str:
        """Nothing: what the format takes lies within the domain."""
        return ""

    def check(self, model: Model, x: Tensor, y: Tensor, tolerance: float) -> Check:
        """What w leaves of the loss.

        steps: those that suffice, because each contracts by 1 - rate mu.
        """
        w, x, y = (tensor.detach().double() for tensor in (model.answer(x, y), x, y))
        gradient = logistic.gradient(torch.zeros_like(w), x, y, self.mu)
        first = torch.linalg.vector_norm(gradient, dim=-1) / self.mu
        wanted = (tolerance / first.clamp_min(1e-300)).log()
        steps = (wanted / math.log1p(-self.rate * self.mu)).clamp_min(0).ceil()
        return checked(w, x, y, self.mu, steps, "")
