"""The domain of built inverses: A and X_0 with a residual I - X_0 A of spectral radius below 1."""

import math

import torch
from torch import Tensor

from icnewton.domains.check import Check, refuse_growth, share, whole
from icnewton.inputs import not_finite, visible
from icnewton.models.config import MOST_APPLIED
from icnewton.models.model import Card, Model
from icnewton.typed import plain

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
        asymmetry = (A - A.mT).abs().amax((-2, -1)) / A.abs().amax((-2, -1)).clamp_min(1e-300)
        if self.symmetric and bool((lopsided := asymmetry > max(1e-9, 10 * eps)).any()):
            found = f"{share(lopsided)} lie outside this model's domain"
            return f"{found}: A must be symmetric, as it was built for"
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
