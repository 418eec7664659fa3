"""Random covariances, and examples that have them."""

import torch
from torch import Tensor

from icnewton.problems.parts.condition import Condition
from icnewton.protocols import gaussian


def sample_roots(
    condition: Condition, covariances: int, source: torch.Generator, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Roots of random covariances, Sigma = root root^T, with random orthogonal eigenvectors.

    Returns the roots ``(covariances, d, d)`` and the eigenvalues ``(covariances, d)``.
    """
    d = condition.d
    spectra = condition.law.spectra(d, condition.kappa, covariances, source, dtype)
    basis = torch.linalg.qr(gaussian((covariances, d, d), source, dtype)).Q
    return basis * spectra.sqrt().unsqueeze(-2), spectra


def sample_examples(
    condition: Condition,
    covariances: int,
    prompts_each: int,
    rows: int,
    source: torch.Generator,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Examples ``(covariances * prompts_each, rows, d)``; prompts of one covariance are adjacent.

    Also returns the eigenvalues ``(covariances, d)`` of the covariances.
    """
    law, d = condition.law, condition.d
    roots, spectra = sample_roots(condition, covariances, source, dtype)
    white = law.white((covariances, prompts_each * rows, d), source, dtype)
    x = (white @ roots.mT).view(covariances * prompts_each, rows, d)
    return (law.finish(x) if law.finish else x), spectra


def covariance_of(covariances: int, prompts_each: int, source: torch.Generator) -> Tensor:
    """Which covariance each prompt comes from, ``(covariances * prompts_each,)`` int64."""
    return torch.arange(covariances, device=source.device).repeat_interleave(prompts_each)
