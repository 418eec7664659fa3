"""What attending to the query costs: the query becomes one more example, with label 0.

**Proposition.** Let every layer be linear attention alone, with the query token z = (a, 0) among
the keys. Then the output at the query is that of the same layers, without the query as a key, on
the prompt with one more example: a, with label 0.

*Proof.* Layers act on all tokens by the same linear map, which depends on the prompt only through
the Gram matrix of the keys (``models/gram.py``). G' = G + z z^T is the Gram matrix of the
prompt with the example. QED

**Corollary.** For d >= 2 no number of layers, of heads, or of dimensions of the stream reaches
least squares.

*Proof.* Among prompts with one G' the output is linear in a. Without noise G' holds
S' = S + a a^T, b = A^T y and y^T y. Let u = S'^{-1/2} a, v = S'^{-1/2} b and r = y^T y - |v|^2.

    (1) By Sherman and Morrison the answer is y_hat = a^T S^{-1} b = u^T v / (1 - |u|^2).
    (2) y^T y = b^T S^{-1} b = |v|^2 + (u^T v)^2 / (1 - |u|^2).
    (3) So the queries with this G' are those with (u^T v)^2 = r (1 - |u|^2).
        There is one in each direction.
    (4) On them y_hat = r / (u^T v), which is not linear in u. QED

What remains is to invert S' in place of S, which gives

    a^T S'^{-1} b = y_hat / (1 + h),    h = a^T S^{-1} a,

where h is the query's leverage. For Gaussian examples h is d / (n - d + 1) times a variable of law
F(d, n - d + 1), whatever their covariance, so its mean is d / (n - d - 1). A constant factor makes
up for the mean, but not for the spread. The *level* is the error that the best constant leaves. It
is a reference, not an infimum, since the factor may depend on G'.
"""

from torch import Tensor

from icnewton.algorithms.parts.normal_equations import direct_solve, gram_matrix, moment
from icnewton.problems.linear import LinearPrompts


def leverage(prompts: LinearPrompts) -> Tensor:
    """h = a^T S^{-1} a of each prompt's query, ``(batch,)``."""
    query = prompts.x[:, -1]
    return (query * direct_solve(gram_matrix(prompts.x[:, :-1]), query)).sum(-1)


def predict(prompts: LinearPrompts) -> Tensor:
    """Least squares with the query as an example of label 0, ``(batch,)``."""
    w = direct_solve(gram_matrix(prompts.x), moment(prompts.x[:, :-1], prompts.y))
    return (prompts.x[:, -1] * w).sum(-1)


class BestFactor:
    """The c with the least mean of (c * prediction - target)^2 / tr Sigma over the prompts seen."""

    def __init__(self) -> None:
        self.products = self.squares = 0.0

    def add(self, prompts: LinearPrompts) -> None:
        """See prompts."""
        answer = predict(prompts)
        self.products += (answer * prompts.target / prompts.scale).sum().item()
        self.squares += (answer.square() / prompts.scale).sum().item()

    @property
    def value(self) -> float:
        """c."""
        return self.products / self.squares
