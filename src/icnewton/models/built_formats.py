"""Prompt formats of built models, whose streams have named blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from icnewton.inputs import Shape, require, visible
from icnewton.models.stream import Stream


class Shaped:
    """A format that assumes nothing but shapes."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """The problem's tensors in their order, with their shapes behind the batch size."""
        raise NotImplementedError

    def check(self, *inputs: Tensor) -> None:
        """Raises ValueError unless the tensors have the shapes of ``inputs`` and one batch size."""
        shapes = self.inputs.values()
        pairs = zip(inputs, shapes, strict=True)
        require(dict(zip(self.inputs, pairs, strict=True)))


@dataclass(frozen=True)
class InverseFormat(Shaped):
    """Lemma 4.1: d tokens; token j holds column j of X_0, of A and of the identity.

    Blocks: X, A, I and work space.
    """

    d: int
    work: tuple[str, ...]

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """A and X0."""
        return {"A": (self.d, self.d), "X0": (self.d, self.d)}

    @property
    def stream(self) -> Stream:
        """X, A, I and the work blocks, d rows each."""
        return Stream(dict.fromkeys(("X", "A", "I", *self.work), self.d))

    def tokens(self, A: Tensor, X0: Tensor) -> Tensor:
        """``(batch, d, width)`` from A and X0, both ``(batch, d, d)``."""
        return self.stream.pack(len(A), self.d, {"X": X0.mT, "A": A.mT, "I": _identity(self.d, A)})

    def read(self, output: Tensor) -> Tensor:
        """X as ``(batch, d, d)``."""
        return self.stream.unpack(output)["X"].mT


@dataclass(frozen=True)
class MatrixFormat(InverseFormat):
    """The same for a construction that makes X_0 itself: block X is empty in the prompt."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """A."""
        return {"A": (self.d, self.d)}

    def tokens(self, A: Tensor) -> Tensor:  # type: ignore[override]
        """``(batch, d, width)`` from A ``(batch, d, d)``."""
        return super().tokens(A, torch.zeros_like(A))


@dataclass(frozen=True)
class LeastSquaresFormat(Shaped):
    """Theorem 4.2: token i holds (a_i, y_i), the first d also the identity; the query is last.

    a_test lies in the query token's block ``query_block``, not in ``a``, so that it takes no part
    in A^T A. The query token's label slot is empty in the prompt; the prediction appears there.
    Prompts with n < d get tokens of zeros, so that there are d columns to hold a matrix.
    """

    d: int
    n: int
    blocks: Mapping[str, int]
    query_block: str

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """x, the query last, and y."""
        return {"x": (self.n + 1, self.d), "y": (self.n,)}

    @property
    def stream(self) -> Stream:
        """The blocks that the construction asked for."""
        return Stream(self.blocks)

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, max(n, d) + 1, width)`` from x and y.

        x is ``(batch, n + 1, d)`` with the query last, y is ``(batch, n)``.
        """
        count = max(self.n, self.d) + 1
        query = F.pad(x[:, -1:], (0, 0, count - 1, 0))  # behind zeros, at the last token
        blocks = {
            "a": x[:, :-1],
            "y": y.unsqueeze(-1),
            "I": _identity(self.d, x),
            self.query_block: query,
        }
        return self.stream.pack(len(x), count, blocks)

    def read(self, output: Tensor) -> Tensor:
        """The prediction ``(batch,)`` in the query token's label slot."""
        return self.stream.unpack(output)["y"][:, -1, 0]


@dataclass(frozen=True)
class LogisticStateFormat(Shaped):
    """Theorem 5.2: tokens hold (a_i, y_i) and the state of w = 0, the first d also the identity.

    C marks the last token. The state is z_i = 0, p_i = y_i sigma(0) = y_i / 2 and r_i = sqrt(d_i)
    = 1/2. A step leaves the same blocks filled, so its output is the input of the next. W, at the
    marked token, is the answer. A construction names its blocks and may do without the identity
    and r; ``damped_newton.py`` says what the others hold.
    """

    d: int
    n: int
    blocks: Mapping[str, int]

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """x and y."""
        return {"x": (self.n, self.d), "y": (self.n,)}

    @property
    def stream(self) -> Stream:
        """The blocks that the construction asked for."""
        return Stream(self.blocks)

    def check(self, *inputs: Tensor) -> None:
        """Raises ValueError on wrong shapes, ||x_i|| > 1 (Assumption 3.2) or labels but -1 and 1.

        A norm may exceed 1 by rounding in the precision of x.
        """
        super().check(*inputs)
        x, y = inputs
        if not (visible(x, y) and len(x)):
            return
        norm = torch.linalg.vector_norm(x.double(), dim=-1).max().item()
        precision = x.dtype if x.is_floating_point() else torch.float64
        if not norm - 1 <= max(1e-9, (4 + self.d**0.5) * torch.finfo(precision).eps):
            found = f"a row of norm {norm:g}, more by {norm - 1:.3g}"
            raise ValueError(f"x must have rows of norm at most 1 (Assumption 3.2), found {found}")
        if not bool((y.abs() == 1).all()):
            foreign = y[y.abs() != 1].flatten()[0].item()
            raise ValueError(f"y must hold -1 and 1 alone, found {foreign:g}")

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, max(n, d) + 1, width)`` from x ``(batch, n, d)`` and y ``(batch, n)``."""
        count = max(self.n, self.d) + 1
        roots = torch.full((1, count, 1), 0.5, dtype=x.dtype, device=x.device)
        mark = F.pad(torch.ones_like(roots[:, :1]), (0, 0, count - 1, 0))
        labels = y.unsqueeze(-1)
        blocks = {"a": x, "y": labels, "I": _identity(self.d, x), "p": labels / 2}
        blocks |= {"r": roots, "C": mark}
        present = {name: block for name, block in blocks.items() if name in self.blocks}
        return self.stream.pack(len(x), count, present)

    def read(self, output: Tensor) -> Tensor:
        """w ``(batch, d)``."""
        return self.stream.unpack(output)["W"][:, -1]


@dataclass(frozen=True)
class DescentFormat(Shaped):
    """GD++: token i is (a_i, -y_i), and the query token (a_test, 0).

    The query's label is the answer. Labels enter with the other sign, so that descent on them
    ends at the prediction.
    """

    d: int

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """x, the query last, and y, for any n."""
        return {"x": ("n + 1", self.d), "y": ("n",)}

    @property
    def stream(self) -> Stream:
        """x and y."""
        return Stream({"x": self.d, "y": 1})

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, n + 1, d + 1)`` from x ``(batch, n + 1, d)`` and y ``(batch, n)``."""
        return self.stream.pack(len(x), x.shape[1], {"x": x, "y": -y.unsqueeze(-1)})

    def read(self, output: Tensor) -> Tensor:
        """The prediction ``(batch,)``."""
        return self.stream.unpack(output)["y"][:, -1, 0]


@dataclass(frozen=True)
class PolynomialFormat(Shaped):
    """The minimax construction: ``count`` polynomials p of S, as p(S) a_i and w^T p(S) a_i.

    Token i starts with (a_i, y_i), which is p = 1, and the query token with (a_test, 0). The answer
    appears in the query token's block o.
    """

    d: int
    count: int

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """x, the query last, and y, for any n."""
        return {"x": ("n + 1", self.d), "y": ("n",)}

    @property
    def stream(self) -> Stream:
        """x0, x1, ... of d rows, y0, y1, ... and o."""
        names = range(self.count)
        return Stream({f"x{j}": self.d for j in names} | {f"y{j}": 1 for j in names} | {"o": 1})

    def tokens(self, x: Tensor, y: Tensor) -> Tensor:
        """``(batch, n + 1, width)`` from x ``(batch, n + 1, d)`` and y ``(batch, n)``."""
        return self.stream.pack(len(x), x.shape[1], {"x0": x, "y0": y.unsqueeze(-1)})

    def read(self, output: Tensor) -> Tensor:
        """The prediction ``(batch,)``."""
        return self.stream.unpack(output)["o"][:, -1, 0]


def _identity(d: int, like: Tensor) -> Tensor:
    """``(1, d, d)``."""
    return torch.eye(d, dtype=like.dtype, device=like.device).unsqueeze(0)
