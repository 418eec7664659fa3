"""What learned models answer to the prompts of a condition; infinite where training diverged."""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.answers import frame, learned, method_of
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, prompts = read_asked(params.condition, snakemake.input.prompts)
    frames = []
    for name, folder in params.folders.items():
        answers = learned(load(folder), method_of(name), params.seeds[name], condition, prompts)
        rows = frame([answers], condition, prompts)
        frames.append(rows.assign(trained_on=name.split("/")[0]))
    write_table(Path(snakemake.output[0]), pd.concat(frames, ignore_index=True))
    say(f"evaluated {', '.join(params.folders)}")
