"""The domain of GD++: spectra of A^T A on which its residual polynomial stays within [-1, 1]."""

import torch
from torch import Tensor

from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.domains.check import Check, share
from icnewton.inputs import not_finite, visible
from icnewton.models.model import Card, Model
from icnewton.typed import plain


class DescentDomain:
    """Prompts whose eigenvalues suit the scalars in the weights.

    ``check``'s residual is max |r(lambda)| over the prompt's spectrum. The expected error is
    |y_hat - y_ls| in exact arithmetic.
    """

    def __init__(self, card: Card) -> None:
        origin = card.origin
        self.gammas = plain("gammas", origin["gammas"], tuple[float, ...])
        self.etas = plain("etas", origin["etas"], tuple[float, ...]) if origin["etas"] else ()

    def complaint(self, dtype: torch.dtype, x: Tensor, y: Tensor) -> str:
        """A sentence if answers would be worse than 0 along some eigenvector."""
        if not (visible(x, y) and len(x)):
            return ""
        if found := not_finite(x=x, y=y):
            return found
        eigenvalues = self._spectra(x)[0]
        slack = max(1e-9, 100 * torch.finfo(x.dtype if x.is_floating_point() else dtype).eps)
        worst = self.residual(eigenvalues).abs().amax(-1)
        outside = worst > 1 + slack
        if not bool(outside.any()):
            return ""
        largest = eigenvalues[outside].max().item()
        found = f"eigenvalues of A^T A up to {largest:.6g}, where |1 - lambda p(lambda)| exceeds 1"
        return f"{share(outside)} lie outside this model's domain: {found}"

    def residual(self, eigenvalues: Tensor) -> Tensor:
        """r(lambda) of ``gdpp.py``."""
        left, lam = torch.ones_like(eigenvalues), eigenvalues
        for gamma, eta in zip(self.gammas, [*self.etas, 0.0], strict=True):
            left, lam = left * (1 - gamma * lam), lam * (1 - eta * lam).square()
        return left

    def check(self, model: Model, x: Tensor, y: Tensor, tolerance: float) -> Check:
        """What the layers leave of prompts in exact arithmetic, by their spectra."""
        eigenvalues, V = self._spectra(x)
        residuals = self.residual(eigenvalues)
        b = (moment(x[:, :-1].detach().double(), y.detach().double()).unsqueeze(-2) @ V).squeeze(-2)
        solution = torch.where(eigenvalues > 0, b / eigenvalues, 0.0)
        along = (x[:, -1:].detach().double() @ V).squeeze(-2)
        return Check(
            residual=residuals.abs().amax(-1),
            spectrum=eigenvalues[:, [0, -1]],
            expected_error=(along * residuals * solution).sum(-1).abs(),
            steps=torch.full_like(eigenvalues[:, 0], torch.nan),
            complaint=self.complaint(model.transformer.dtype, x, y),
        )

    def _spectra(self, x: Tensor) -> tuple[Tensor, Tensor]:
        eigenvalues, V = torch.linalg.eigh(gram_matrix(x[:, :-1].detach().double()))
        return eigenvalues.clamp_min(0), V
