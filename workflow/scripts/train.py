"""One training run, resumed from its checkpoint if there is one."""

from pathlib import Path

import pandas as pd
import torch

from icnewton.experiment import parse_run
from icnewton.files import write_table
from icnewton.training.loop import LOG_COLUMNS, train
from icnewton.training.memory import keep_freed_memory
from icnewton.weights import save
from job import job, limit_threads

with job(snakemake) as say:
    limit_threads(snakemake)
    keep_freed_memory()
    params, device = snakemake.params, snakemake.params.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    run = parse_run(params.run)
    model, log = train(run, checkpoint=Path(params.checkpoint), code=params.code, device=device, say=say)
    write_table(Path(snakemake.output.log), pd.DataFrame(log, columns=LOG_COLUMNS))
    save(model, Path(snakemake.output.weights).parent)
