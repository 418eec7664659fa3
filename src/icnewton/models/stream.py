"""The residual stream as a list of named blocks, so that no code indexes rows by number."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Rows:
    """A linear combination of blocks, such as ``2 * X - Z``.

    terms: coefficients by the names of blocks. Blocks have equal size, or one row that is added
    to every row of the others.
    """

    terms: Mapping[str, float]

    def __add__(self, other: "Rows") -> "Rows":
        ours, theirs = self.terms, other.terms
        names = [*ours, *(name for name in theirs if name not in ours)]
        return Rows({name: ours.get(name, 0.0) + theirs.get(name, 0.0) for name in names})

    def __rmul__(self, factor: float) -> "Rows":
        return Rows({name: factor * coefficient for name, coefficient in self.terms.items()})

    def __truediv__(self, factor: float) -> "Rows":
        return Rows({name: coefficient / factor for name, coefficient in self.terms.items()})

    def __neg__(self) -> "Rows":
        return -1.0 * self

    def __sub__(self, other: "Rows") -> "Rows":
        return self + -other


@dataclass(frozen=True)
class Stream:
    """Named blocks that share the width of a residual stream, in order.

    sizes: the number of rows of each block.
    """

    sizes: Mapping[str, int]

    @property
    def width(self) -> int:
        """The number of rows of all blocks together."""
        return sum(self.sizes.values())

    def rows(self, *names: str) -> tuple[Rows, ...]:
        """One ``Rows`` for each name, to write actions with."""
        for name in names:
            self.slice(name)
        return tuple(Rows({name: 1.0}) for name in names)

    def slice(self, name: str) -> slice:
        """Where a block lies; raises KeyError for a name that the stream does not have."""
        start = 0
        for other, size in self.sizes.items():
            if other == name:
                return slice(start, start + size)
            start += size
        raise KeyError(f"no block {name!r} in this stream, which has {', '.join(self.sizes)}")

    def size(self, rows: Rows) -> int:
        """The number of rows of a combination; raises ValueError on unequal sizes."""
        sizes = {name: self.sizes[name] for name in rows.terms}
        size = max(sizes.values())
        if not set(sizes.values()) <= {1, size}:
            raise ValueError(f"blocks of unequal sizes cannot be added: {sizes}")
        return size

    def selector(self, rows: Rows) -> Tensor:
        """The ``(size, width)`` float64 matrix P such that P h is the combination.

        Raises ValueError on unequal sizes.
        """
        selector = torch.zeros(self.size(rows), self.width, dtype=torch.float64)
        for name, coefficient in rows.terms.items():
            part = selector[:, self.slice(name)]
            part.fill_(coefficient) if self.sizes[name] == 1 else part.fill_diagonal_(coefficient)
        return selector

    def pack(self, batch: int, tokens: int, blocks: Mapping[str, Tensor]) -> Tensor:
        """Tokens ``(batch, tokens, width)`` from blocks; blocks not given are zero.

        A block is ``(batch or 1, m, size)`` with m <= tokens and fills the first m tokens. Tokens
        have the dtype of the blocks.
        """
        like = next(iter(blocks.values()))
        parts = []
        for name, size in self.sizes.items():
            block = blocks.get(name, like.new_zeros(1, 0, size))
            filled = F.pad(block, (0, 0, 0, tokens - block.shape[1]))
            parts.append(filled.expand(batch, tokens, size))
        return torch.cat(parts, -1)

    def unpack(self, tokens: Tensor) -> dict[str, Tensor]:
        """The blocks of ``(batch, tokens, width)`` by name, each ``(batch, tokens, size)``."""
        return {name: tokens[..., self.slice(name)] for name in self.sizes}
