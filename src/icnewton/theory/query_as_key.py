"""What attending to the query costs: it makes the query one more example, with label 0.

**Proposition.** Let every layer be linear attention alone, with the query token z = (a, 0) among the keys. Then the output at
the query is that of the same layers, without the query as a key, on the prompt with one more example: a, with label 0.
*Proof.* Layers act on all tokens by the same linear map, which depends on the prompt only through the Gram matrix of the keys
(``training/gram.py``), and G + z z^T is the Gram matrix of that prompt.

So what a depth can learn to invert is S + a a^T in place of S, while b = A^T y stays. By Sherman and Morrison

    a^T (S + a a^T)^{-1} b = y_hat / (1 + h),    y_hat = a^T S^{-1} b,    h = a^T S^{-1} a,

where h is the query's leverage. For Gaussian examples h is d / (n - d + 1) times a variable of law F(d, n - d + 1), whatever
their covariance, so that its mean is d / (n - d - 1). A constant factor c makes up for its mean, but not for its spread, and
(c / (1 + h) - 1)^2 y_hat^2 is what is left. To do better a model must multiply by 1 + h, whose h takes an inverse of its own.
"""

from torch import Tensor

from icnewton.iterations import direct_solve, gram_matrix, moment
from icnewton.prompts import Prompts


def leverage(prompts: Prompts) -> Tensor:
    """h = a^T S^{-1} a of each prompt's query, ``(batch,)``."""
    query = prompts.x[:, -1]
    return (query * direct_solve(gram_matrix(prompts.x[:, :-1]), query)).sum(-1)


def predict(prompts: Prompts) -> Tensor:
    """Least squares with the query as an example of label 0, times the constant that is best on these prompts, ``(batch,)``."""
    examples, query = prompts.x[:, :-1], prompts.x[:, -1]
    w = direct_solve(gram_matrix(prompts.x), moment(examples, prompts.y))
    plain, weight = (query * w).sum(-1), 1 / prompts.scale
    return plain * ((weight * plain * prompts.target).sum() / (weight * plain.square()).sum())
