"""The domains of built inverses.

For Newton's step they are A and X_0 with a residual I - X_0 A of spectral radius below 1, for the
Chebyshev step symmetric A with a spectrum within the interval in the weights.
"""

import math
from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from icnewton.algorithms.parts.chebyshev import chebyshev_constants, scaled_residuals
from icnewton.algorithms.parts.normal_equations import nth
from icnewton.domains.check import (
    Check,
    beyond,
    fewest_steps,
    refuse_growth,
    share,
    spectral_slack,
    whole,
)
from icnewton.inputs import not_finite, visible
from icnewton.models.config import MOST_APPLIED
from icnewton.models.model import Card, Model
from icnewton.typed import plain

MOST_STEPS = 64  # order 2 needs fewer for a condition number of 1 / eps
SLACK = 1e-6  # by which rounding may move a spectral radius of 1


class InverseDomain:
    """Prompts for which the spectral radius of R = I - X_0 A is below 1.

    The order-p iteration makes residuals R^(p^T), so it converges there. A radius of 1 belongs to
    a singular A: the iterates approach its pseudo-inverse until rounding grows in the null space.

    ``check``'s residual is ||I - X A|| in the spectral norm, for the X that the model gives. It
    bounds the relative error ||X - A^{-1}|| / ||A^{-1}|| as well. The spectrum is that of the
    singular values of A.
    """

    def __init__(self, card: Card) -> None:
        origin = card.origin
        self.order = whole("order", origin["order"], 4)
        self.total = whole("steps", origin["steps"], MOST_APPLIED)
        self.symmetric = plain("symmetric", origin["symmetric"], bool)

    def complaint(self, dtype: torch.dtype, A: Tensor, X0: Tensor) -> str:
        """A sentence if the iteration diverges.

        Raises ValueError where the answer would be rounding in a null space.
        """
        if not (visible(A, X0) and len(A)):
            return ""
        if found := not_finite(A=A, X0=X0):
            return found
        eps = torch.finfo(A.dtype if A.is_floating_point() else dtype).eps
        A, X0 = A.detach().double(), X0.detach().double()
        if self.symmetric and (found := _lopsided(A, eps)):
            return found
        radius = self._radius(A, X0)
        singular = torch.linalg.svdvals(A)
        deficient = singular[:, -1] <= A.shape[-1] * torch.finfo(dtype).eps * singular[:, 0]
        refuse_growth(deficient, self.total, self.order, dtype, "a regular A")
        outside = radius > 1 + SLACK
        if not bool(outside.any()):
            return ""
        return (
            f"{share(outside)} lie outside this model's domain: I - X0 A has eigenvalues of "
            f"modulus up to {radius.max().item():.6g}, where the iteration converges below 1"
        )

    def check(self, model: Model, A: Tensor, X0: Tensor, tolerance: float) -> Check:
        """I - X A for the model's own X, and steps by the spectral radius of I - X_0 A."""
        complaint = self.complaint(model.transformer.dtype, A, X0)
        X = model.answer(A, X0).detach().double()
        A, X0 = A.detach().double(), X0.detach().double()
        identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
        residual = torch.linalg.matrix_norm(identity - X @ A, 2)
        singular = torch.linalg.svdvals(A)
        radius = self._radius(A, X0)
        doublings = math.log(tolerance) / radius.clamp(1e-300, 1 - 1e-16).log()
        steps = (doublings.clamp_min(1).log() / math.log(self.order)).ceil()
        steps = torch.where(radius >= 1, torch.inf, steps)
        return Check(residual, singular[:, [-1, 0]], residual, steps, complaint)

    @staticmethod
    def _radius(A: Tensor, X0: Tensor) -> Tensor:
        """The spectral radius of I - X_0 A, ``(batch,)``."""
        identity = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
        return torch.linalg.eigvals(identity - X0 @ A).abs().amax(-1)


class ScaledInverseDomain:
    """Symmetric A with eigenvalues in [l, u], as the Chebyshev step was built for.

    ``check``'s residual is max |rho(lambda)| of the scaled Chebyshev polynomial over the spectrum
    of A. It is the relative error of X in exact arithmetic.
    """

    def __init__(self, card: Card) -> None:
        origin = card.origin
        self.order = whole("order", origin["order"], 3)
        self.total = whole("steps", origin["steps"], MOST_APPLIED)
        self.lower, self.upper = plain("spectrum", origin["spectrum"], tuple[float, float])
        chebyshev_constants(self.lower, self.upper, self.order)

    def complaint(self, dtype: torch.dtype, A: Tensor) -> str:
        """A sentence if A is not symmetric, or eigenvalues lie outside."""
        if not (visible(A) and len(A)):
            return ""
        if found := not_finite(A=A):
            return found
        eps = torch.finfo(A.dtype if A.is_floating_point() else dtype).eps
        if found := _lopsided(A.detach().double(), eps):
            return found
        eigenvalues = torch.linalg.eigvalsh(A.detach().double())
        outside = beyond(eigenvalues, self.lower, self.upper, spectral_slack(A, dtype))
        if not bool(outside.any()):
            return ""
        found = f"[{eigenvalues[outside].min():.6g}, {eigenvalues[outside].max():.6g}]"
        built = f"it was built for [{self.lower:g}, {self.upper:g}]"
        return f"{share(outside)} lie outside this model's domain: eigenvalues in {found}, {built}"

    def check(self, model: Model, A: Tensor, tolerance: float) -> Check:
        """What the polynomial leaves on the spectrum of A, and steps by its bound."""
        eigenvalues = torch.linalg.eigvalsh(A.detach().double())
        residual = nth(self._residuals(eigenvalues), self.total).abs().amax(-1)
        steps = fewest_steps(islice(self._residuals(eigenvalues), MOST_STEPS), tolerance)
        complaint = self.complaint(model.transformer.dtype, A)
        return Check(residual, eigenvalues[:, [0, -1]], residual, steps, complaint)

    def _residuals(self, eigenvalues: Tensor) -> Iterator[Tensor]:
        return scaled_residuals(eigenvalues, self.lower, self.upper, self.order)


def _lopsided(A: Tensor, eps: float) -> str:
    """A sentence if some A is not symmetric up to rounding."""
    asymmetry = (A - A.mT).abs().amax((-2, -1)) / A.abs().amax((-2, -1)).clamp_min(1e-300)
    lopsided = asymmetry > max(1e-9, 10 * eps)
    if not bool(lopsided.any()):
        return ""
    found = f"{share(lopsided)} lie outside this model's domain"
    return f"{found}: A must be symmetric, as it was built for"


def inverse_domain(card: Card) -> InverseDomain | ScaledInverseDomain:
    """The domain of a built inverse, by its step."""
    return ScaledInverseDomain(card) if "spectrum" in card.origin else InverseDomain(card)
