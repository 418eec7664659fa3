"""Constants for built models.

A theorem's alpha or spectrum is baked into the weights, so it must suit every prompt.
"""

import torch

from icnewton.algorithms.parts.normal_equations import gram_matrix
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator

PROMPTS = 4096


def spectrum_of(condition: LinearCondition) -> tuple[float, float]:
    """Smallest and largest eigenvalue of A^T A over 4096 prompts from their own random stream."""
    prompts = sample(condition, PROMPTS, 1, generator("calibration", condition))
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(prompts.x[:, :-1]))
    return eigenvalues.min().item(), eigenvalues.max().item()
