"""The floor of the mean error where the query is among the keys, for every depth and width.

``query_as_key.py`` shows that the answer is linear in the query a among prompts with one
G' = (S', b, y^T y), S' = A^T A + a a^T. So it errs by at least what the best c(G') leaves:

    floor = E min_c E[(c^T u - y_hat)^2 | G'] / tr Sigma,    u = S'^{-1/2} a.

**The law of u given G'** (Gaussian examples and weights, no noise, n > d + 1). Whitened, u is
independent of S', with a density proportional to (1 - |u|^2)^((n - d - 1) / 2). Let v = S'^{-1/2} b
and r = y^T y - |v|^2 > 0. The queries with this G' have (u^T v)^2 = r (1 - |u|^2), one in each
direction t = u / |u| up to sign, with

    |u|^2 = q = r / (r + (t^T v)^2),    y_hat = r / (u^T v),    S'^{1/2} w = o = v + t r / (t^T v).

The density of t is proportional to q^{d/2} (1 - q)^((n - d - 1) / 2) exp(-o^T S'^{-1} o / 2): the
measure of u along t, from |u| as a function of r, times the prior of w = S'^{-1/2} o.

Both expectations are means over draws: of prompts, and for each of directions with these weights.
Biases and a clip void it, since the answer is then not linear in a.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator


class Floor(NamedTuple):
    """The floor and the level of ``query_as_key.py``, with standard errors of their means."""

    floor: float
    level: float
    floor_error: float
    level_error: float


def query_floor(condition: LinearCondition, prompts: int = 1000, directions: int = 4000) -> Floor:
    """The floor of a condition's prompts by Monte Carlo, float64.

    Raises ValueError for conditions with noise, for n <= d + 1, and for d < 2, where it is 0.
    """
    d, n = condition.d, condition.n
    if condition.noise or n <= d + 1 or d < 2:
        expected = "no noise, d >= 2 and n > d + 1"
        found = f"noise = {condition.noise:g}, d = {d}, n = {n}"
        raise ValueError(f"expected {expected}, found {found}")
    source = generator("query floor", condition)
    drawn = sample(condition, prompts, 1, source)
    S = drawn.x.mT @ drawn.x
    eigenvalues, V = torch.linalg.eigh(S)
    root, inverse = eigenvalues.sqrt(), 1 / eigenvalues
    floors, moments = [], []
    for index in range(prompts):
        half = (V[index] * root[index]) @ V[index].mT
        u = torch.linalg.solve(half, drawn.x[index, -1])
        inverted = (V[index] * inverse[index]) @ V[index].mT
        t = torch.randn(directions, d, generator=source, dtype=torch.float64)
        t = torch.nn.functional.normalize(t, dim=1)
        parts = _conditional(u, half @ drawn.w[index], inverted, t, n)
        scale = drawn.scale[index]
        floors.append(parts[0] / scale)
        moments.append(torch.stack(parts[1:]) / scale)
    floor, moment = torch.stack(floors), torch.stack(moments)
    factor = moment[:, 1].sum() / moment[:, 2].sum()
    level = moment[:, 0] - 2 * factor * moment[:, 1] + factor**2 * moment[:, 2]
    errors = [values.std().item() / prompts**0.5 for values in (floor, level)]
    return Floor(floor.mean().item(), level.mean().item(), *errors)


def _conditional(
    u: Tensor, o: Tensor, inverse: Tensor, t: Tensor, n: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """min_c E[(c^T u - y)^2], E y^2, E (u^T v) y and E (u^T v)^2 given G', over directions t.

    u and o are those of the prompt that was drawn, which give v and r.
    """
    d = len(u)
    answer = u @ o
    v, r = o - u * answer, answer**2 * (1 - u @ u)
    along = t @ v
    q = r / (r + along**2)
    omega = v + t * (r / along).unsqueeze(1)
    prior = ((omega @ inverse) * omega).sum(1) / 2
    logarithm = d / 2 * q.log() + (n - d - 1) / 2 * torch.log1p(-q) - prior
    weights = torch.softmax(logarithm, 0)
    U, y = t * q.sqrt().unsqueeze(1), r / (q.sqrt() * along)
    weighted = U * weights.unsqueeze(1)
    c = torch.linalg.solve(weighted.mT @ U, weighted.mT @ y)
    product = U @ v
    return (
        weights @ (y - U @ c).square(),
        weights @ y.square(),
        weights @ (product * y),
        weights @ product.square(),
    )
