"""Prompt formats of learned models, whose streams nobody can name."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.inputs import Shape
from icnewton.models.built_formats import Shaped
from icnewton.models.stream import Stream


@dataclass(frozen=True)
class RegressionFormat(Shaped):
    """Learned models: token i is (a_i, y_i), and the query token is (a_test, 0).

    The read-out's one output is the prediction.
    """

    d: int
    width: int

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """x, the query last, and y, for any n."""
        return {"x": ("n + 1", self.d), "y": ("n",)}

    @property
    def stream(self) -> Stream:
        """One block, because nobody knows what a learned model keeps where."""
        return Stream({"residual": self.width})

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, n + 1, d + 1)`` from x and y.

        x is ``(batch, n + 1, d)`` with the query last, y is ``(batch, n)``.
        """
        labels = torch.cat([y, torch.zeros_like(y[:, :1])], -1)
        return torch.cat([x, labels.unsqueeze(-1)], -1)

    def read(self, output: Tensor) -> Tensor:
        """The prediction ``(batch,)`` at the query token."""
        return output[:, -1, 0]


@dataclass(frozen=True)
class LogisticFormat(Shaped):
    """Learned models of Sec. 6: token i is (a_i, y_i, 0), and the last is (0, 0, 1).

    The read-out at the last token is w.
    """

    d: int
    width: int

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """x and y, for any n."""
        return {"x": ("n", self.d), "y": ("n",)}

    @property
    def stream(self) -> Stream:
        """One block, because nobody knows what a learned model keeps where."""
        return Stream({"residual": self.width})

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, n + 1, d + 2)`` from x ``(batch, n, d)`` and y ``(batch, n)``."""
        tokens = F.pad(torch.cat([x, y.unsqueeze(-1)], -1), (0, 1, 0, 1))
        tokens[:, -1, -1] = 1
        return tokens

    def read(self, output: Tensor) -> Tensor:
        """w ``(batch, d)``."""
        return output[:, -1]


@dataclass(frozen=True)
class HiddenLabelFormat(LogisticFormat):
    """The same without a mark: token i is (a_i, y_i), and the last is (a_n, 0).

    It is how the paper's runs asked for the minimiser of all n labels, the hidden one among them.
    """

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, n, d + 1)`` from x ``(batch, n, d)`` and y ``(batch, n)``."""
        labels = torch.cat([y[:, :-1], torch.zeros_like(y[:, -1:])], -1)
        return torch.cat([x, labels.unsqueeze(-1)], -1)
