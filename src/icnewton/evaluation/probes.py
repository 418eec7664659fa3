"""What models and algorithms answer as one coordinate of a query varies (Figures 3 to 6)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from icnewton.algorithms.parts.normal_equations import direct_solve, gram_matrix, moment
from icnewton.evaluation.answers import Answers
from icnewton.evaluation.statistics import FAR, NEAR
from icnewton.problems.linear import LinearPrompts

STEPS = 6  # the most steps of an algorithm that are probed


def probe_values(prompts: LinearPrompts, points: int = 61) -> np.ndarray:
    """Values of the query's first coordinate for Figures 3 to 6, up to +-20/14.9 and +-100/14.9.

    The unit is the coordinate's 99 % range. The paper's training range is +-14.9 and its plots
    reach +-20 and +-100; here the range is measured on the prompts.
    """
    unit = float(prompts.x[..., 0].abs().flatten().quantile(0.99, interpolation="linear"))
    grids = [np.linspace(-reach, reach, points) * unit for reach in (NEAR, FAR)]
    return np.unique(np.concatenate([*grids, [-unit, unit]]))


def first_of_each(prompts: LinearPrompts, count: int) -> LinearPrompts:
    """The first prompt of each of ``count`` covariances."""
    first = np.unique(prompts.covariance.numpy(), return_index=True)[1][:count]
    return prompts.map(lambda tensor: tensor[torch.from_numpy(first)])


def probe_prompts(prompts: LinearPrompts, count: int, values: np.ndarray) -> LinearPrompts:
    """The first prompt of each of ``count`` covariances, repeated for every value.

    Each value is put into the first coordinate of the query. Prompts are ordered by covariance,
    then by value.
    """
    chosen = first_of_each(prompts, count)
    repeated = chosen.map(lambda tensor: tensor.repeat_interleave(len(values), 0))
    x = repeated.x.clone()
    x[:, -1, 0] = torch.from_numpy(values).repeat(len(chosen.x))
    return replace(repeated, x=x, target=(x[:, -1] * repeated.w).sum(-1))


def probe_frame(answers: Sequence[Answers], probes: LinearPrompts) -> pd.DataFrame:
    """Long frame of outputs as the query's first coordinate varies.

    The least-squares output stands beside each.
    """
    examples = probes.x[:, :-1]
    w = direct_solve(gram_matrix(examples), moment(examples, probes.y))
    common = {
        "covariance": probes.covariance.numpy(),
        "value": probes.x[:, -1, 0].numpy(),
        "slope": w[:, 0].numpy(),
        "least_squares": (probes.x[:, -1] * w).sum(-1).numpy(),
    }
    frames = []
    for i in answers:
        words = {"method": i.method, "kind": i.kind, "seed": i.seed, "step": i.step}
        frames.append(pd.DataFrame(words | common | {"output": i.values}))
    return pd.concat(frames, ignore_index=True)
