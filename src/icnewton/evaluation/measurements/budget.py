"""What each gadget of a built damped-Newton transformer contributes to its error."""

from collections.abc import Iterator

import pandas as pd
import torch

from icnewton.constructions.parts.interventions import GADGETS, iterates
from icnewton.evaluation.measurements import Measurement
from icnewton.evaluation.measurements.parts.damped_newton import (
    PROTOCOLS,
    Cells,
    Count,
    Mu,
    Size,
    Steps,
    by_hand,
    norm,
    prompts_of,
    step_errors,
)


def error_budget(
    mu: tuple[Mu, ...],
    cells: Cells,
    steps: Steps,
    prompts: Count,
    d: Size = 5,
    n: Size = 26,
) -> pd.DataFrame:
    """Distance to the minimiser and largest step error, for each mu, prompt and intervention.

    ``intervention`` is ``all`` (no gadget is exact), ``without`` (this one is exact) or ``only``
    (every other one is exact).
    """
    frames = []
    for value in mu:
        problem, model = prompts_of(d, n, value, prompts), by_hand(d, n, value, cells, steps)
        for intervention, gadget, exact in _interventions():
            w = iterates(model, problem.x, problem.y, exact)
            measured = {
                "distance": norm(w[-1] - problem.target),
                "step_error": torch.stack(step_errors(w, problem, value)).amax(0),
            }
            row = {
                "mu": value,
                "cells": cells,
                "intervention": intervention,
                "gadget": gadget,
                "prompt": range(prompts),
            }
            frames.append(pd.DataFrame(row | measured))
    return pd.concat(frames, ignore_index=True)


def _interventions() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    yield "all", "none", ()
    for gadget in GADGETS:
        yield "without", gadget, (gadget,)
        yield "only", gadget, tuple(other for other in GADGETS if other != gadget)


ENTRIES = {"budget": Measurement(error_budget, PROTOCOLS)}
