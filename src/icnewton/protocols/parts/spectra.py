"""Eigenvalues of random covariances with a prescribed condition number (App. D)."""

from typing import Any

import torch
from torch import Tensor


def uniform(
    d: int, kappa: float, count: int, source: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Eigenvalues ``(count, d)``: the largest, the smallest, then the others.

    The largest is from U[1, 100], the smallest is that over kappa, and the others lie uniformly
    between. With d = 1 the one eigenvalue is the largest.
    """
    options: dict[str, Any] = {"generator": source, "dtype": dtype, "device": source.device}
    largest = 1 + 99 * torch.rand(count, 1, **options)
    smallest = largest / kappa
    between = smallest + (largest - smallest) * torch.rand(count, max(d - 2, 0), **options)
    return torch.cat([largest, smallest, between], -1)[:, :d]


def of_trace_d(
    d: int, kappa: float, count: int, source: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """The same, rescaled so that every covariance has trace d."""
    spectra = uniform(d, kappa, count, source, dtype)
    return spectra * (d / spectra.sum(-1, keepdim=True))
