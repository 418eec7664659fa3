"""Constants for built models: a theorem's alpha or spectrum is baked into the weights and must suit
every prompt.
"""

import torch

from icnewton.algorithms.iterations import gram_matrix
from icnewton.problems.linear import Condition, generator, sample

PROMPTS = 4096


def spectrum(condition: Condition) -> tuple[float, float]:
    """Smallest and largest eigenvalue of A^T A over 4096 prompts of a condition, from a random
    stream of their own.
    """
    prompts = sample(condition, PROMPTS, 1, generator("calibration", condition))
    eigenvalues = torch.linalg.eigvalsh(gram_matrix(prompts.x[:, :-1]))
    return eigenvalues.min().item(), eigenvalues.max().item()
