"""The error of a built damped-Newton step against the width of its gadgets."""

import pandas as pd
import torch

from icnewton.constructions.parts.interventions import iterates
from icnewton.evaluation.measurements import Measurement
from icnewton.evaluation.measurements.parts.damped_newton import (
    PROTOCOLS,
    Cells,
    Count,
    Mu,
    Size,
    Steps,
    by_hand,
    prompts_of,
    shape_of,
    step_errors,
)


def check_widths(
    mu: tuple[Mu, ...],
    cells: tuple[Cells, ...],
    steps: Steps,
    prompts: Count,
    d: Size = 5,
    n: Size = 26,
) -> pd.DataFrame:
    """Hidden width and largest error of a step, for each mu, number of cells and prompt."""
    rows = []
    for value in mu:
        problem = prompts_of(d, n, value, prompts)
        for number in cells:
            model = by_hand(d, n, value, number, steps)
            errors = step_errors(iterates(model, problem.x, problem.y), problem, value)
            worst = torch.stack(errors).amax(0)
            row = shape_of(model) | {"d": d, "n": n, "mu": value, "cells": number}
            rows.append(pd.DataFrame(row | {"prompt": range(prompts), "step_error": worst}))
    return pd.concat(rows, ignore_index=True)


ENTRIES = {"widths": Measurement(check_widths, PROTOCOLS)}
