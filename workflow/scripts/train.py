"""One training run, resumed from its checkpoint if there is one; one that diverges is a result, and
stops no other job.
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
    # no output: Snakemake deletes outputs before a job, and this file is what a killed job resumes
    # from
    checkpoint = (
        folder.parents[2] / "checkpoints" / folder.parent.name / f"{folder.name}.safetensors"
    )
    seconds = snakemake.config["checkpoint_seconds"]  # no param: it changes no result
    run = parse_run(params.run)
    model, log = train(
        run,
        checkpoint=checkpoint,
        code=params.code,
        device=resolve(params.device),
        checkpoint_seconds=seconds,
        say=say,
    )
    write_table(Path(snakemake.output.log), pd.DataFrame(log, columns=LOG_COLUMNS))
    save(model, folder)
    if diverged := model.card.origin["diverged"]:
        print(
            f"{folder} diverged: {diverged}; figures and claims go on without it", file=sys.stderr
        )
