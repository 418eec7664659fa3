"""Middles of resampled errors, from how often each covariance was drawn.

A resample has every error of a covariance as often as it has the covariance. So its median is a
weighted median of the errors, which are sorted once for all resamples.
"""

import numpy as np


def medians_of(errors: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """``np.median`` of every resample ``errors[chosen[i]]``, to the bit, ``(resamples,)``.

    errors: ``(covariances, prompts)``, no nan. chosen: ``(resamples, drawn)``, which covariances.
    """
    covariances, prompts = errors.shape
    order = errors.ravel().argsort()
    ordered, owner = errors.ravel()[order], order // prompts
    size = int(len(order) ** 0.5) + 1  # of a block of sorted errors
    blocks = -(-len(order) // size)
    cells = owner * blocks + np.arange(len(order)) // size
    held = np.bincount(cells, minlength=covariances * blocks).reshape(covariances, blocks)
    counts = _counts(chosen, covariances)
    below = (counts @ held.astype(float)).cumsum(1)  # errors of a resample up to a block's end
    last = chosen.shape[1] * prompts - 1
    ranks = (last // 2, last - last // 2)
    low, high = (_at_rank(rank, ordered, owner, counts, below, size) for rank in ranks)
    return low / 2 + high / 2  # their sum may overflow


def means_of(errors: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The mean of every resample, ``(resamples,)``, likewise."""
    return np.asarray(errors.mean(1)[chosen].mean(1))


def _counts(chosen: np.ndarray, covariances: int) -> np.ndarray:
    """How often each resample has each covariance, ``(resamples, covariances)``."""
    resamples = len(chosen)
    cells = chosen + covariances * np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=resamples * covariances)
    return counts.reshape(resamples, covariances).astype(float)


def _at_rank(
    rank: int,
    ordered: np.ndarray,
    owner: np.ndarray,
    counts: np.ndarray,
    below: np.ndarray,
    size: int,
) -> np.ndarray:
    """The error of a rank from 0 in every resample: its block of sorted errors, then its place.

    owner: the covariance of each of the ordered errors.
    """
    rows, block = np.arange(len(counts)), (below <= rank).sum(1)
    before = np.where(block > 0, below[rows, block - 1], 0)
    places = np.minimum(block[:, None] * size + np.arange(size), len(ordered) - 1)
    within = before[:, None] + counts[rows[:, None], owner[places]].cumsum(1)
    return ordered[places[rows, (within <= rank).sum(1)]]
