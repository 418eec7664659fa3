"""One training run, resumed from its checkpoint if there is one; one that diverges is a result, and stops no other job."""

import sys
from pathlib import Path

import pandas as pd
import torch

from icnewton.files import try_lock, write_table
from icnewton.threads import limit_threads
from icnewton.training.loop import LOG_COLUMNS, train
from icnewton.training.memory import keep_freed_memory
from icnewton.training.runs import parse_run
from icnewton.weights import save
from job import job

with job(snakemake) as say:
    limit_threads(snakemake.threads)
    keep_freed_memory()
    params, device = snakemake.params, snakemake.params.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    run, checkpoint = parse_run(params.run), Path(params.checkpoint)
    lock = checkpoint.with_suffix(".lock")
    if (alone := try_lock(lock)) is None:  # a training of a run that was killed may have outlived it
        say("another process is at this training; waiting for it, to go on from its checkpoint")
        alone = try_lock(lock, wait=True)
    seconds = snakemake.config["checkpoint_seconds"]  # not a param: it changes no result
    model, log = train(run, checkpoint=checkpoint, code=params.code, device=device, checkpoint_seconds=seconds, say=say)
    write_table(Path(snakemake.output.log), pd.DataFrame(log, columns=LOG_COLUMNS))
    save(model, Path(snakemake.output.weights).parent)
    if diverged := model.card.origin["diverged"]:
        print(
            f"{Path(snakemake.output.weights).parent} diverged: {diverged}; figures and claims go on without it",
            file=sys.stderr,
        )
