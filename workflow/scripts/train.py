"""One training run, resumed from its checkpoint if there is one.

A run that diverges is a result, and stops no other job.
"""

import sys
from pathlib import Path

import pandas as pd

from icnewton.devices import resolve
from icnewton.files import write_table
from icnewton.models.weights import save
from icnewton.threads import limit_threads
from icnewton.training.fast.memory import keep_freed_memory
from icnewton.training.loop import LOG_COLUMNS, train
from icnewton.training.runs import parse_run
from job import job

with job(snakemake) as say:
    limit_threads(1)
    keep_freed_memory()
    params = snakemake.params
    folder = Path(snakemake.output.weights).parent
    # not an output: Snakemake deletes outputs before a job, and a killed job resumes from this file
    checkpoints = folder.parents[2] / "checkpoints" / folder.parent.name
    seconds = snakemake.config["checkpoint_seconds"]  # not a param, because it changes no result
    run = parse_run(params.run)
    model, log = train(
        run,
        checkpoint=checkpoints / f"{folder.name}.safetensors",
        code=params.code,
        device=resolve(params.device),
        checkpoint_seconds=seconds,
        say=say,
    )
    write_table(Path(snakemake.output.log), pd.DataFrame(log, columns=LOG_COLUMNS))
    save(model, folder)
    if diverged := model.card.origin["diverged"]:
        words = f"{diverged}; figures and claims go on without it"
        print(f"{folder} diverged: {words}", file=sys.stderr)
