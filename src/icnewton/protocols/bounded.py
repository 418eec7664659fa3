"""Examples as in ``normalised``, divided by the largest norm in their prompt.

Assumption 3.2, ||a_i|| <= 1, then holds with equality.
"""

import torch
from torch import Tensor

from icnewton.protocols import Protocol
from icnewton.protocols.parts.spectra import of_trace_d


def within_unit_ball(x: Tensor) -> Tensor:
    """Prompts ``(batch, n, d)``, each divided by the largest norm of its rows."""
    return x / torch.linalg.vector_norm(x, dim=-1).amax(-1).view(-1, 1, 1)


ENTRIES = {
    "bounded": Protocol(
        title="‖a‖ ≤ 1", spectra=of_trace_d, finish=within_unit_ball, problems=("logistic",)
    )
}
