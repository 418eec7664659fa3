"""The learning rate as a pure function of the step: linear warm-up, then half a cosine."""

import math


def schedule(step: int, warmup: int, end: int, last: float = 0.0) -> float:
    """The rate of step 0, 1, ... over its peak.

    It rises to 1 over ``warmup`` steps, follows half a cosine to ``last`` at step ``end``, and
    stays there.
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = min((step - warmup) / max(end - warmup, 1), 1)
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * progress))
