"""Medians of models on conditions that they were trained on, and on others."""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.statistics import medians
from icnewton.files import read_tables, write_table
from icnewton.problems import PROBLEMS
from job import job

with job(snakemake) as say:
    blocks = []
    for path in map(Path, snakemake.input):
        tested_on = path.parent.name
        measures = PROBLEMS[snakemake.params.problems[tested_on]].measures
        for trained_on, rows in read_tables([path]).groupby("trained_on", sort=False):
            where = {"trained_on": trained_on, "tested_on": tested_on}
            blocks.append(medians(rows, measures).assign(**where))
    summary = pd.concat(blocks, ignore_index=True)
    for path in snakemake.output:
        write_table(Path(path), summary)
    say(f"{len(summary)} rows")
