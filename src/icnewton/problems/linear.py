"""In-context linear regression prompts: Gaussian examples with a prescribed condition number (App.
D).

A covariance has a random orthogonal basis, largest eigenvalue lambda_max ~ U[1, 100], smallest
lambda_max / kappa and the others uniform between; examples are a ~ N(0, Sigma), weights w ~ N(0,
I), labels y = w^T a + noise.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from icnewton.typed import scalar, settle


@dataclass(frozen=True)
class Prompts:
    """A batch of prompts.

    x: ``(batch, n + 1, d)`` examples, the query last. y: ``(batch, n)`` labels of the examples. w:
    ``(batch, d)`` true weights. target: ``(batch,)`` the query's label without noise, ``w^T
    a_test``. scale: ``(batch,)`` the trace of the covariance, by which squared errors are divided
    (E[target^2] = tr Sigma). covariance: ``(batch,)`` int64, which covariance a prompt came from.
    """

    x: Tensor
    y: Tensor
    w: Tensor
    target: Tensor
    scale: Tensor
    covariance: Tensor

    @property
    def n(self) -> int:
        """The number of labelled examples."""
        return self.y.shape[-1]

    @property
    def d(self) -> int:
        """The dimension of an example."""
        return self.x.shape[-1]

    def map(self, f: Callable[[Tensor], Tensor]) -> "Prompts":
        """The prompts with f applied to every tensor."""
        return Prompts(**{name: f(tensor) for name, tensor in vars(self).items()})


@dataclass(frozen=True)
class Condition:
    """Where prompts come from.

    protocol: ``paper`` keeps lambda_max ~ U[1, 100] as it is; ``normalised`` rescales every
    covariance to tr Sigma = d. d, n: dimension and number of examples; kappa: condition number of
    Sigma; noise: standard deviation of label noise.
    """

    protocol: str
    d: int
    n: int
    kappa: float
    noise: float

    def __post_init__(self) -> None:
        settle(self)
        if self.protocol not in PROTOCOLS:
            raise ValueError(
                f"protocol must be one of {sorted(PROTOCOLS)}, found {self.protocol!r}"
            )
        if self.d < 1 or self.n < 1:
            raise ValueError(f"d and n must be at least 1, found d = {self.d}, n = {self.n}")
        if not self.kappa >= 1:
            raise ValueError(f"kappa must be at least 1, found {self.kappa}")
        if not self.noise >= 0:
            raise ValueError(f"noise must not be negative, found {self.noise}")


def _normalised(spectra: Tensor) -> Tensor:
    return spectra * (spectra.shape[-1] / spectra.sum(-1, keepdim=True))


def generator(*keys: object, device: str | torch.device = "cpu") -> torch.Generator:
    """A random stream of its own for each tuple of keys, such as ``generator("evaluation",
    condition, seed)``.

    Keys are told apart by ``repr``, numpy's numbers being Python's; equal keys give equal streams
    on every machine.
    """
    digest = hashlib.blake2b(repr(tuple(map(scalar, keys))).encode(), digest_size=7).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest))


PROTOCOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "paper": lambda spectra: spectra,
    "normalised": _normalised,
}


def sample_spectra(
    condition: Condition, count: int, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Eigenvalues ``(count, d)`` of covariances; with d = 1 the one eigenvalue is lambda_max."""
    options: dict[str, Any] = {"generator": generator, "dtype": dtype, "device": generator.device}
    largest = 1 + 99 * torch.rand(count, 1, **options)
    smallest = largest / condition.kappa
    between = smallest + (largest - smallest) * torch.rand(
        count, max(condition.d - 2, 0), **options
    )
    return PROTOCOLS[condition.protocol](
        torch.cat([largest, smallest, between], -1)[:, : condition.d]
    )


def sample_roots(
    condition: Condition, covariances: int, generator: torch.Generator, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Roots of random covariances, Sigma = root root^T, ``(covariances, d, d)``, and their
    eigenvalues ``(covariances, d)``.
    """
    spectra = sample_spectra(condition, covariances, generator, dtype)
    shape = (covariances, condition.d, condition.d)
    basis = torch.linalg.qr(
        torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)
    ).Q
    return basis * spectra.sqrt().unsqueeze(-2), spectra


def sample_examples(
    condition: Condition,
    covariances: int,
    each: int,
    generator: torch.Generator,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor]:
    """Gaussian examples ``(covariances, each, d)`` and the eigenvalues ``(covariances, d)`` of
    their covariances.
    """
    roots, spectra = sample_roots(condition, covariances, generator, dtype)
    gaussian = torch.randn(
        covariances, each, condition.d, generator=generator, dtype=dtype, device=generator.device
    )
    return gaussian @ roots.mT, spectra


def sample(
    condition: Condition,
    covariances: int,
    prompts_each: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> Prompts:
    """``covariances * prompts_each`` prompts, those of one covariance adjacent, on the generator's
    device.
    """
    options: dict[str, Any] = {"generator": generator, "dtype": dtype, "device": generator.device}
    d, n, batch = condition.d, condition.n, covariances * prompts_each
    x, spectra = sample_examples(condition, covariances, prompts_each * (n + 1), generator, dtype)
    x = x.view(batch, n + 1, d)
    w = torch.randn(batch, d, **options)
    clean = (x @ w.unsqueeze(-1)).squeeze(-1)
    y = clean[:, :-1]
    if condition.noise:
        y = y + condition.noise * torch.randn(batch, n, **options)
    index = torch.arange(covariances, device=generator.device).repeat_interleave(prompts_each)
    return Prompts(x, y, w, clean[:, -1], spectra.sum(-1)[index], index)
