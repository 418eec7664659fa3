"""What a model leaves of each eigenvalue: its residual polynomial, where it has one.

The frame has one row for each model and eigenvalue:

    method, kind, seed, step, layers   as in ``answers.py``
    is_linear   whether the minimax law speaks of the model (``theory/minimax.py``)
    part        ``identity``: prompts with A^T A = s I and a = w; ``triangle``: such prompts at the
                s that decide the law without a condition number; ``prompts``: those of a condition
    prompt      its number, where there is one for some eigenvalues, else -1
    eigenvalue  s, or an eigenvalue of A^T A
    residual    r(s), the share of w along an eigenvector that the answer lacks
    error       the largest error of the four prompts with this s, or |r|

On ``identity`` prompts the residual is the mean over the signs of examples and of labels, as in the
proof of the law. On prompts of a condition w is sum_j v_j u_j over the eigenvectors u_j of A^T A
with v_j = 1 or -1, the queries are a = c_j u_j, and r_j = 1 - y_hat / (c_j v_j). The leverage
c_j^2 / lambda_j is d / (n - d - 1), its mean over Gaussian prompts: models that attend to their
query, or with LayerNorm, are not linear in it. A model whose answer is a^T p(S) b has the same r(s)
on all prompts.
"""

from dataclasses import dataclass, replace
from math import inf

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from icnewton.algorithms.parts.chebyshev import extremes
from icnewton.algorithms.parts.normal_equations import apply, gram_matrix
from icnewton.evaluation.answers import answers_of
from icnewton.evaluation.probes import first_of_each
from icnewton.models.model import Model
from icnewton.models.transformer import Transformer
from icnewton.problems.linear import LinearPrompts
from icnewton.randomness import generator
from icnewton.theory import triangle
from icnewton.theory.minimax import Witness, prompts_at

POINTS, PROMPTS, DEEPEST, CHUNK = 301, 32, 6, 1024


@dataclass(frozen=True)
class Named:
    """A model with the words that identify it in the frame."""

    method: str
    seed: int
    step: int
    model: Model


def responses(item: Named, prompts: LinearPrompts, spectrum: tuple[float, float]) -> pd.DataFrame:
    """The rows of a model, in float64, for an interval of eigenvalues and a condition's prompts.

    Models of no layer or of more than six have no ``triangle``. Rows are infinite if its training
    diverged.
    """
    exact = item.model.to(torch.float64)
    card, n, d = exact.card, prompts.x.shape[1] - 1, prompts.d
    grid = torch.from_numpy(np.geomspace(*spectrum, POINTS))
    decisive = extremes(min(card.depth, DEEPEST), *spectrum)
    found = prompts_at(torch.cat([grid, decisive]), d, n)
    answers = answers_of(exact, found.x, found.y, CHUNK)
    parts = [("identity", *_left(found, answers))]
    if 0 < card.depth <= DEEPEST:
        wide = triangle.witness(card.depth, spectrum[1], d, n)
        parts.append(("triangle", *_left(wide, answers_of(exact, wide.x, wide.y, CHUNK))))
    if card.kind == "learned":
        eigenvalues, left = residuals(exact, prompts)
        parts.append(("prompts", eigenvalues.flatten(), left.flatten(), left.abs().flatten()))
    words = {
        "method": item.method,
        "kind": card.kind,
        "seed": item.seed,
        "step": item.step,
        "layers": card.depth,
        "is_linear": is_linear(exact, found, answers),
    }
    frames = []
    for part, s, r, e in parts:
        values = (torch.full_like(r, inf), torch.full_like(e, inf)) if _diverged(exact) else (r, e)
        prompt = np.arange(len(s)) // d if part == "prompts" else -1
        columns = {"part": part, "prompt": prompt, "eigenvalue": s}
        columns |= {"residual": values[0], "error": values[1]}
        frames.append(pd.DataFrame(words | columns))
    return pd.concat(frames, ignore_index=True)


def _left(found: Witness, answers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """s, residual and error of each four prompts."""
    residual = (1 - found.target * answers).view(-1, 4).mean(1)
    return found.s[::4], residual, (found.target - answers).abs().view(-1, 4).amax(1)


def is_linear(model: Model, found: Witness, answers: Tensor) -> bool:
    """Whether a model is a linear attention model on these prompts, by its answers to them.

    A bound on entries of the stream is none if it changes no answer.
    """
    config = model.transformer.config
    if config.attention != "linear" or config.layer_norm or config.last_norm:
        return False
    if any(config.hidden_widths) or type(model.transformer) is not Transformer:
        return False
    if config.clip is None:
        return True
    free = Transformer(replace(config, clip=None), torch.float64)
    free.load_state_dict(model.transformer.state_dict())
    unbounded = answers_of(replace(model, transformer=free), found.x, found.y, CHUNK)
    return torch.equal(answers, unbounded)


def residuals(model: Model, prompts: LinearPrompts) -> tuple[Tensor, Tensor]:
    """Eigenvalues and residuals, ``(prompts, d)``, for the first prompt of some covariances.

    The model is one in float64.
    """
    examples = first_of_each(prompts, PROMPTS).x[:, :-1]
    count, n, d = examples.shape
    eigenvalues, U = torch.linalg.eigh(gram_matrix(examples))
    signs = torch.randint(0, 2, (count, d), generator=generator("responses", d)) * 2.0 - 1
    y = apply(examples, apply(U, signs.to(U.dtype)))
    lengths = (eigenvalues * d / max(n - d - 1, 1)).sqrt()
    queries = (lengths.unsqueeze(1) * U).mT.reshape(count * d, 1, d)
    x = torch.cat([examples.repeat_interleave(d, 0), queries], 1)
    found = answers_of(model, x, y.repeat_interleave(d, 0), CHUNK).view(count, d)
    return eigenvalues, 1 - found / (lengths * signs)


def _diverged(model: Model) -> bool:
    return bool(model.card.origin.get("diverged"))
