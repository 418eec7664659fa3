"""The domains of models whose answer is a fixed polynomial of A^T A.

GD++ is meant for spectra on which its residual polynomial stays within [-1, 1], the minimax
construction for an interval.
"""

import torch
from torch import Tensor

from icnewton.algorithms.gdpp import residual
from icnewton.algorithms.parts.chebyshev import chebyshev_residual
from icnewton.algorithms.parts.extremal import degree
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment
from icnewton.domains.check import Check, beyond, share, spectral_slack, whole
from icnewton.inputs import not_finite, visible
from icnewton.models.config import MOST_APPLIED
from icnewton.models.model import Card, Model
from icnewton.typed import plain


class ResidualDomain:
    """Prompts whose eigenvalues suit the polynomial in the weights.

    ``check``'s residual is max |r(lambda)| over the prompt's spectrum. The expected error is
    |y_hat - y_ls| in exact arithmetic.
    """

    def residual(self, eigenvalues: Tensor) -> Tensor:
        """r(lambda)."""
        raise NotImplementedError

    def outside(self, eigenvalues: Tensor, slack: float) -> tuple[Tensor, str]:
        """Which prompts lie outside, by spectra ``(batch, d)``, and in which words."""
        raise NotImplementedError

    def complaint(self, dtype: torch.dtype, x: Tensor, y: Tensor) -> str:
        """A sentence if eigenvalues lie outside."""
        if not (visible(x, y) and len(x)):
            return ""
        if found := not_finite(x=x, y=y):
            return found
        eigenvalues = self._spectra(x)[0]
        outside, where = self.outside(eigenvalues, spectral_slack(x, dtype))
        if not bool(outside.any()):
            return ""
        low, high = eigenvalues[outside].min().item(), eigenvalues[outside].max().item()
        found = f"eigenvalues of A^T A in [{low:.6g}, {high:.6g}], where {where}"
        return f"{share(outside)} lie outside this model's domain: {found}"

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


class DescentDomain(ResidualDomain):
    """Where no answer of GD++ is worse than 0 along any eigenvector."""

    def __init__(self, card: Card) -> None:
        origin = card.origin
        self.gammas = plain("gammas", origin["gammas"], tuple[float, ...])
        self.etas = plain("etas", origin["etas"], tuple[float, ...]) if origin["etas"] else ()

    def outside(self, eigenvalues: Tensor, slack: float) -> tuple[Tensor, str]:
        """Where |r| exceeds 1."""
        worst = self.residual(eigenvalues).abs().amax(-1)
        return worst > 1 + slack, "|1 - lambda p(lambda)| exceeds 1"

    def residual(self, eigenvalues: Tensor) -> Tensor:
        """r(lambda) of ``algorithms/gdpp.py``."""
        return residual(eigenvalues, self.gammas, self.etas)


class MinimaxDomain(ResidualDomain):
    """Spectra within the interval that the model was built for."""

    def __init__(self, card: Card) -> None:
        self.degree = degree(whole("steps", card.origin["steps"], MOST_APPLIED))
        self.lower, self.upper = plain("spectrum", card.origin["spectrum"], tuple[float, float])

    def outside(self, eigenvalues: Tensor, slack: float) -> tuple[Tensor, str]:
        """Beyond either end."""
        outside = beyond(eigenvalues, self.lower, self.upper, slack)
        return outside, f"it was built for [{self.lower:g}, {self.upper:g}]"

    def residual(self, eigenvalues: Tensor) -> Tensor:
        """The Chebyshev residual of ``constructions/minimax.py``."""
        return chebyshev_residual(eigenvalues, self.degree, self.lower, self.upper)
