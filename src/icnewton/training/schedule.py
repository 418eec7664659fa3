"""The learning rate as a pure function of the step: linear warm-up, then cosine to zero."""

import math


def learning_rate(step: int, peak: float, warmup: int, steps: int) -> float:
    """The rate of step 0, 1, ..., steps - 1: rises to ``peak`` over ``warmup`` steps, then follows half a cosine to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))
