"""Protocols: the laws by which examples of prompts are drawn.

An entry is a ``Protocol``: the spectra of covariances, and what examples are before and after the
root of their covariance. Code that needs Gaussian examples asks ``is_gaussian``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.registry import Registry

Draw = Callable[[tuple[int, ...], torch.Generator, torch.dtype], Tensor]


def gaussian(shape: tuple[int, ...], source: torch.Generator, dtype: torch.dtype) -> Tensor:
    """Independent standard Gaussian coordinates."""
    return torch.randn(shape, generator=source, dtype=dtype, device=source.device)


@dataclass(frozen=True)
class Protocol:
    """How examples a = root u are drawn, where root root^T is a random covariance.

    title: for figures.
    spectra: from d, kappa, a count, a generator and a dtype to eigenvalues ``(count, d)``.
    white: coordinates u of examples, of mean 0 and covariance I.
    finish: what is done to the examples ``(batch, n, d)`` of a prompt at the end.
    problems: those that it is made for; all if empty.
    stream: its name in random streams, where that is not its own.
    """

    title: str
    spectra: Callable[[int, float, int, torch.Generator, torch.dtype], Tensor]
    white: Draw = gaussian
    finish: Callable[[Tensor], Tensor] | None = None
    problems: tuple[str, ...] = ()
    stream: str | None = None

    @property
    def is_gaussian(self) -> bool:
        """Whether the examples of a prompt are Gaussian, given their covariance."""
        return self.white is gaussian and self.finish is None


PROTOCOLS: Registry[Protocol] = Registry("protocol", __name__)
