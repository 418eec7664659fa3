"""What every script shares: plain lines in the job's log, one sentence to the user when something is wrong."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def job(snakemake) -> Iterator[Callable[[str], None]]:
    """Yields a function that writes a line to the log; errors go there in full and to the terminal in one sentence."""
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", buffering=1) as lines:
        try:
            yield lambda line: print(line, file=lines)
        except Exception as error:
            traceback.print_exc(file=lines)
            sys.exit(f"{snakemake.rule}: {error} (details in {log})")


def limit_threads(snakemake) -> None:
    """Let torch and numpy use the job's threads: results are reproducible for a given number of them."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(snakemake.threads)
    threadpool_limits(snakemake.threads)
