"""The learning rate as a pure function of the step: linear warm-up, then cosine to zero."""

import math


def schedule(step: int, warmup: int, steps: int) -> float:
    """The rate of step 0, ..., steps - 1 over its peak.

    It rises to 1 over ``warmup`` steps and then follows half a cosine to 0.
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))
