"""What a model of linear regression computes, for notebooks, in one call."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from icnewton.algorithms.gdpp import residual
from icnewton.constructions import CONSTRUCTIONS
from icnewton.constructions.parts.scalars import Scalars, fit_residuals
from icnewton.evaluation.extraction import DEEPEST, beyond_eigenvalue
from icnewton.evaluation.responses import residuals
from icnewton.models.families import FAMILIES
from icnewton.models.model import Card, Model
from icnewton.problems.linear import LinearPrompts


@dataclass(frozen=True)
class Extraction:
    """What a model leaves of each eigenvalue, and the GD++ of as many layers nearest to it.

    eigenvalues, residuals: ``(prompts, d)``, float64: lambda of A^T A, and the share r of w along
        its eigenvector that the answer lacks. An answer a^T p(A^T A) A^T y has r = 1 - lambda p.
    scalars: the gammas and etas of GD++.
    size: the root mean square of r.
    beyond_eigenvalue: that of what no function of the eigenvalue explains.
    beyond_gdpp: that of what GD++ leaves of r.
    """

    eigenvalues: Tensor
    residuals: Tensor
    scalars: Scalars
    size: float
    beyond_eigenvalue: float
    beyond_gdpp: float

    @property
    def share(self) -> float:
        """The part that GD++ explains of what a function of the eigenvalue explains of r."""
        explained = self.size**2 - self.beyond_gdpp**2
        return explained / (self.size**2 - self.beyond_eigenvalue**2)

    def gdpp(self, eigenvalues: Any) -> Tensor:
        """The residual polynomial of GD++ at eigenvalues, of their shape, in float64."""
        at = torch.as_tensor(eigenvalues, dtype=torch.float64)
        return residual(at, self.scalars.gammas, self.scalars.etas)


def extract(model: Model, prompts: LinearPrompts) -> Extraction:
    """What a model of 1 to 6 layers computes on prompts of ``icnewton.sample``.

    It is asked for w = sum_j v_j u_j over the eigenvectors of A^T A with queries along each of them
    (``responses.py``), for the first prompt of 32 covariances at most. Raises ValueError for other
    models and prompts, and if answers are not finite.
    """
    _check(model.card, prompts)
    eigenvalues, r = residuals(model.to(torch.float64), prompts)
    if not bool(r.isfinite().all()):
        raise ValueError("model: expected finite answers, found others")
    at, values = eigenvalues.flatten(), r.flatten()
    scalars, beyond_gdpp = fit_residuals(at, values, model.card.depth)
    return Extraction(
        eigenvalues=eigenvalues,
        residuals=r,
        scalars=scalars,
        size=float(values.square().mean().sqrt()),
        beyond_eigenvalue=float(beyond_eigenvalue(at.log().numpy(), values.numpy()).mean() ** 0.5),
        beyond_gdpp=beyond_gdpp,
    )


def _check(card: Card, prompts: LinearPrompts) -> None:
    problem = (CONSTRUCTIONS if card.kind == "built" else FAMILIES)[card.family].problem
    if problem != "linear" or not isinstance(prompts, LinearPrompts):
        found = f"{card.family} and {type(prompts).__name__}"
        raise ValueError(
            f"extract: expected a model and prompts of linear regression, found {found}"
        )
    if not 1 <= card.depth <= DEEPEST:
        raise ValueError(f"model: expected 1 to {DEEPEST} layers, found {card.depth}")
