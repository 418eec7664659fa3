"""How many threads a job computes with: results are reproducible for a given number of them."""

import torch
from threadpoolctl import threadpool_limits


def limit_threads(count: int) -> None:
    """Let torch and the linear algebra below numpy use ``count`` threads from here on."""
    torch.set_num_threads(count)
    threadpool_limits(count)
