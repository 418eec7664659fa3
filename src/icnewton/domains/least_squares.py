"""The domain of built least squares: spectra of A^T A that suit its alpha or interval."""

import math
from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from icnewton.algorithms.parts.chebyshev import chebyshev_constants, scaled_residuals
from icnewton.algorithms.parts.normal_equations import gram_matrix, moment, nth
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

MOST_STEPS = 128  # Newton needs fewer for a condition number of 1 / eps


class LeastSquaresDomain:
    """Prompts whose spectrum suits the constants in the weights.

    Newton from alpha S, S = A^T A + ridge I, converges where alpha lambda^2 < 2. The Chebyshev
    step keeps its bound where A^T A has its spectrum in [l, u].

    ``check``'s residual is max |rho(lambda)| of the algorithm's residual polynomial over the
    prompt's spectrum. The expected error is |y_hat - y_ls| in exact arithmetic, plus what rounding
    of size eps times the condition number adds.
    """

    def __init__(self, card: Card) -> None:
        origin = card.origin
        self.order = whole("order", origin["order"], 4)
        self.total = whole("steps", origin["steps"], MOST_APPLIED)
        self.ridge = plain("ridge", origin["ridge"], float)
        self.alpha = plain("alpha", origin["alpha"], float | None)
        self.spectrum = plain("spectrum", origin["spectrum"], tuple[float, float] | None)
        if self.spectrum is None:
            self.most = math.sqrt(2 / self.alpha) - self.ridge
        else:
            chebyshev_constants(*(end + self.ridge for end in self.spectrum))

    def complaint(self, dtype: torch.dtype, x: Tensor, y: Tensor) -> str:
        """A sentence if eigenvalues lie outside.

        Raises ValueError where the answer would be rounding in a null space.
        """
        if not (visible(x, y) and len(x)):
            return ""
        if found := not_finite(x=x, y=y):
            return found
        eigenvalues = self._eigenvalues(x)
        lower, upper = eigenvalues[:, 0], eigenvalues[:, -1]
        deficient = self._vanishing(eigenvalues, dtype)[:, 0]
        refuse_growth(deficient, self.total, self.order, dtype, "a ridge")
        slack = spectral_slack(x, dtype)
        if self.spectrum is None:
            outside = upper >= self.most * (1 + slack)
            built = f"alpha = {self.alpha:g} converges below {self.most:.6g}"
        else:
            low, high = self.spectrum
            outside = beyond(eigenvalues, low, high, slack)
            built = f"it was built for [{low:g}, {high:g}]"
        if not bool(outside.any()):
            return ""
        found = f"[{lower[outside].min().item():.6g}, {upper[outside].max().item():.6g}]"
        eigenvalues_found = f"eigenvalues of A^T A in {found}, where {built}"
        return f"{share(outside)} lie outside this model's domain: {eigenvalues_found}"

    def check(self, model: Model, x: Tensor, y: Tensor, tolerance: float) -> Check:
        """What the algorithm leaves of prompts in exact arithmetic, by their spectra."""
        dtype = model.transformer.dtype
        complaint = self.complaint(dtype, x, y)
        x, y = x.detach().double(), y.detach().double()
        examples, query = x[:, :-1], x[:, -1:]
        S = gram_matrix(examples)
        eigenvalues, V = torch.linalg.eigh(S)
        eigenvalues = eigenvalues.clamp_min(0)
        vanishing = self._vanishing(eigenvalues, dtype)
        shifted = eigenvalues + self.ridge
        divisors = torch.where(vanishing, math.inf, shifted)
        solution = (moment(examples, y).unsqueeze(-2) @ V).squeeze(-2) / divisors
        residuals = torch.where(vanishing, 0.0, nth(self._residuals(shifted), self.total))
        first = islice(self._residuals(shifted), MOST_STEPS)
        tried = (rho.masked_fill(vanishing, 0.0) for rho in first)
        along = (query @ V).squeeze(-2)
        rounding = torch.finfo(dtype).eps * shifted[:, -1] / divisors.amin(-1)
        rounding = rounding * along.norm(dim=-1) * solution.norm(dim=-1)
        return Check(
            residual=residuals.abs().amax(-1),
            spectrum=eigenvalues[:, [0, -1]],
            expected_error=(along * residuals * solution).sum(-1).abs() + rounding,
            steps=fewest_steps(tried, tolerance),
            complaint=complaint,
        )

    def _eigenvalues(self, x: Tensor) -> Tensor:
        """Of A^T A without the ridge, ascending, ``(batch, d)``, float64."""
        return torch.linalg.eigvalsh(gram_matrix(x[:, :-1].detach().double())).clamp_min(0)

    def _vanishing(self, eigenvalues: Tensor, dtype: torch.dtype) -> Tensor:
        """Which eigenvalues of S are rounding in ``dtype``."""
        shifted = eigenvalues + self.ridge
        return shifted <= shifted.shape[-1] * torch.finfo(dtype).eps * shifted[:, -1:]

    def _residuals(self, shifted: Tensor) -> Iterator[Tensor]:
        """rho(lambda) after 0, 1, 2, ... steps, for the eigenvalues of S."""
        if self.spectrum is None:
            rho = 1 - self.alpha * shifted.square()
            while True:
                yield rho
                rho = rho.pow(self.order)
        low, high = (end + self.ridge for end in self.spectrum)
        yield from scaled_residuals(shifted, low, high, self.order)
