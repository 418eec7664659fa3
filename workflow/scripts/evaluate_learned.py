"""What learned models answer to the prompts of a condition; infinite where training diverged."""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.answers import frame, learned, method_of
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.parse import parse_condition
from icnewton.problems.parts.prompts import read_prompts
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition = parse_condition(params.condition)
    prompts = read_prompts(PROBLEMS[condition.problem].prompts, snakemake.input.prompts)
    frames = []
    for name, folder in params.folders.items():
        answers = learned(load(folder), method_of(name), params.seeds[name], condition, prompts)
        rows = frame([answers], condition, prompts)
        frames.append(rows.assign(trained_on=name.split("/")[0]))
    write_table(Path(snakemake.output[0]), pd.concat(frames, ignore_index=True))
    say(f"evaluated {', '.join(params.folders)}")
