"""Any model or iteration on any prompts, as a tidy frame: one row for each method, step and prompt.

Columns: ``method``; ``kind`` (reference, built, learned, theory); ``seed``; ``step`` (steps of an
algorithm, layers of a learned model); ``layers`` (what that costs as a transformer);
``covariance``; ``prompt``; ``residual``, which is (prediction - target) / sqrt(tr Sigma), so that
its square is the relative error that all figures show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from icnewton.algorithms.iterations import direct_solve, gram_matrix, moment
from icnewton.evaluation.statistics import FAR, NEAR
from icnewton.models.model import Model
from icnewton.problems.linear import Prompts

CHUNK = 64  # prompts at once: their activations fit the cache


@dataclass(frozen=True)
class Labelled:
    """Predictions ``(batch,)`` with the words that identify them in a frame."""

    method: str
    kind: str
    seed: int
    step: int
    layers: float
    predictions: Tensor


def method_of(name: str) -> str:
    """What tables call the models of a run of this name: the family, and after a hyphen the
    variant, if it is one.
    """
    return name.split("/")[-1].split("_layers")[0]


def model_predictions(
    model: Model, method: str, seed: int, step: int, prompts: Prompts
) -> Labelled:
    """A model's predictions, computed in float64 whatever dtype it was trained in; infinite if its
    training diverged.
    """
    exact = model.to(torch.float64)
    chunks = zip(prompts.x.split(CHUNK), prompts.y.split(CHUNK), strict=True)
    predictions = torch.cat([exact.answer(x, y) for x, y in chunks])
    if model.card.origin.get("diverged"):
        predictions = torch.full_like(predictions, torch.inf)
    return Labelled(method, model.card.kind, seed, step, model.card.depth, predictions)


def errors_frame(labelled: Sequence[Labelled], prompts: Prompts) -> pd.DataFrame:
    """The tidy frame of signed relative residuals."""
    covariance = prompts.covariance.numpy().astype(np.int32)
    frames = [
        pd.DataFrame(
            {
                "method": item.method,
                "kind": item.kind,
                "seed": np.int32(item.seed),
                "step": np.int32(item.step),
                "layers": np.float64(item.layers),
                "covariance": covariance,
                "prompt": np.arange(len(covariance), dtype=np.int32),
                "residual": ((item.predictions - prompts.target) / prompts.scale.sqrt()).numpy(),
            }
        )
        for item in labelled
    ]
    return pd.concat(frames, ignore_index=True)


def probe_values(prompts: Prompts, points: int = 61) -> np.ndarray:
    """Values of the query's first coordinate for Figures 3 to 6, in units of its 99 % range:
    +-20/14.9 and +-100/14.9.

    The paper's training range is +-14.9, its plots reach +-20 and +-100; here the range is measured
    on the prompts.
    """
    unit = float(prompts.x[..., 0].abs().flatten().quantile(0.99, interpolation="linear"))
    grids = [np.linspace(-reach, reach, points) * unit for reach in (NEAR, FAR)]
    return np.unique(np.concatenate([*grids, [-unit, unit]]))


def probe_prompts(prompts: Prompts, count: int, values: np.ndarray) -> Prompts:
    """The first prompt of each of ``count`` covariances, its query repeated with every value of its
    first coordinate.

    Prompts are ordered by covariance, then by value.
    """
    first = np.unique(prompts.covariance.numpy(), return_index=True)[1][:count]
    repeated = prompts.map(
        lambda tensor: tensor[torch.from_numpy(first)].repeat_interleave(len(values), 0)
    )
    x = repeated.x.clone()
    x[:, -1, 0] = torch.from_numpy(values).repeat(len(first))
    return replace(repeated, x=x, target=(x[:, -1] * repeated.w).sum(-1))


def probe_frame(labelled: Sequence[Labelled], probes: Prompts) -> pd.DataFrame:
    """Long frame of outputs as the query's first coordinate varies, with the least-squares output
    beside each.
    """
    examples = probes.x[:, :-1]
    w = direct_solve(gram_matrix(examples), moment(examples, probes.y))
    common = {
        "covariance": probes.covariance.numpy(),
        "value": probes.x[:, -1, 0].numpy(),
        "slope": w[:, 0].numpy(),
        "least_squares": (probes.x[:, -1] * w).sum(-1).numpy(),
    }
    frames = [
        pd.DataFrame(
            {
                "method": i.method,
                "kind": i.kind,
                "seed": i.seed,
                "step": i.step,
                **common,
                "output": i.predictions,
            }
        )
        for i in labelled
    ]
    return pd.concat(frames, ignore_index=True)
