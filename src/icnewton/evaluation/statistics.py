"""Medians with intervals.

Prompts of one covariance are not independent, so covariances are resampled.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from icnewton.evaluation.resampling import means_of, medians_of

if TYPE_CHECKING:  # so that what only draws or counts need not import torch
    from icnewton.problems import Measure

RESAMPLES = 1000
LEVEL = 0.95
# reach of the probes of Figures 3 to 6 in 99 % training ranges: the paper's +-20 and +-100
NEAR, FAR = 20 / 14.9, 100 / 14.9
Error = Callable[[pd.DataFrame], pd.Series]  # of the rows of a frame
Middle = Callable[..., Any]  # np.median or np.mean
KEYS = ["method", "kind", "step", "layers"]


def squared_residual(frame: pd.DataFrame) -> pd.Series:
    """The error that linear regression is judged by, of rows of residuals."""
    return frame["value"] ** 2


def of_quantity(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The rows of one quantity."""
    return frame[frame["quantity"] == quantity]


def clusters(frame: pd.DataFrame, error: Error = squared_residual) -> np.ndarray:
    """Errors of one method and step as ``(covariances, prompts * seeds)``.

    What is not a number counts as infinite.
    """
    ordered = frame.sort_values(["covariance", "seed", "prompt"], kind="stable")
    errors = error(ordered).to_numpy().reshape(ordered["covariance"].nunique(), -1)
    return np.nan_to_num(errors, nan=np.inf)


def by_training(frame: pd.DataFrame, error: Error = squared_residual) -> np.ndarray:
    """Errors of one method and step as ``(trainings, covariances, prompts)``, in the same way."""
    trainings = [clusters(rows, error) for _, rows in frame.groupby("seed")]
    return np.array(trainings)


def bootstrap(errors: np.ndarray, middle: Middle = np.median, seed: int = 0) -> np.ndarray:
    """Medians ``(RESAMPLES,)`` of errors ``(covariances, prompts)`` over resampled covariances.

    Equal seeds and shapes resample the same covariances, so that two methods' medians are
    paired. ``middle`` may be the mean instead.
    """
    generator = np.random.default_rng(seed)
    chosen = generator.integers(len(errors), size=(RESAMPLES, len(errors)))
    return (means_of if middle is np.mean else medians_of)(errors, chosen)


def interval(samples: np.ndarray) -> tuple[float, float]:
    """The central interval of level ``LEVEL`` of bootstrap samples; nan where they are infinite."""
    tail = 50 * (1 - LEVEL)
    with np.errstate(invalid="ignore"):
        low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def diverged(frame: pd.DataFrame, error: Error) -> int:
    """How many seeds of one method and step have no finite error.

    Their trainings diverged, and count as infinite.
    """
    return int((~np.isfinite(error(frame))).groupby(frame["seed"]).all().sum())


def summarise(frame: pd.DataFrame, error: Error = squared_residual) -> pd.DataFrame:
    """One row for each method and step.

    median, mean: of the errors.
    low, high: 95 % bootstrap interval of the median, for the trainings that there are.
    between_low, between_high: 10th and 90th percentile of the medians of single covariances.
    within_low, within_high: the same percentiles of all errors.
    covariances, prompts, seeds: how many there are.
    seed_low, seed_high: the least and the largest median of a single training.
    diverged: seeds without a finite error, which ``seeds`` counts too.
    """
    rows = []
    for key, group in frame.groupby(KEYS, sort=False, dropna=False, observed=True):
        errors = clusters(group, error)
        low, high = interval(bootstrap(errors))
        with np.errstate(invalid="ignore"):
            between = np.percentile(np.median(errors, axis=1), [10, 90])
            within = np.percentile(errors, [10, 90])
        trainings = error(group).groupby(group["seed"]).median().fillna(np.inf)
        row = dict(zip(KEYS, key, strict=True))
        row |= {"median": np.median(errors), "low": low, "high": high, "mean": errors.mean()}
        row |= {"between_low": between[0], "between_high": between[1]}
        row |= {"within_low": within[0], "within_high": within[1]}
        row |= {"covariances": len(errors)}
        row |= {"prompts": group["prompt"].nunique(), "seeds": group["seed"].nunique()}
        row |= {"seed_low": trainings.min(), "seed_high": trainings.max()}
        rows.append(row | {"diverged": diverged(group, error)})
    return pd.DataFrame(rows)


def medians(frame: pd.DataFrame, measures: Mapping[str, "Measure"]) -> pd.DataFrame:
    """The table of a problem's measures: ``summarise`` of each, which ``quantity`` names."""
    blocks = []
    for name, measure in measures.items():
        rows = of_quantity(frame, measure.quantity)
        if len(rows):
            table = summarise(rows, lambda f, m=measure: m.transform(f["value"]))  # type: ignore[misc]
            blocks.append(table.assign(quantity=name))
    return pd.concat(blocks, ignore_index=True)


def similarity(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Similarity of errors (Fu et al., arXiv 2310.17086): cosines of residual vectors.

    Rows are the steps of ``left``, columns the steps of ``right``, on the same prompts. Seeds are
    averaged after taking cosines.
    """
    vectors = {step: _unit_vectors(group) for step, group in right.groupby("step")}
    table = {}
    for step, group in left.groupby("step"):
        ours = _unit_vectors(group)
        cosines = {other: np.mean(ours @ theirs.T) for other, theirs in vectors.items()}
        table[step] = {other: float(cosine) for other, cosine in cosines.items()}
    return pd.DataFrame(table).T.sort_index()


def _unit_vectors(group: pd.DataFrame) -> np.ndarray:
    wide = group.pivot(index="seed", columns="prompt", values="value").to_numpy()
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(float).tiny)


def steps_of(frame: pd.DataFrame, method: str) -> Sequence[int]:
    """The steps at which a frame has a method, ascending."""
    return sorted(int(step) for step in frame.loc[frame["method"] == method, "step"].unique())
