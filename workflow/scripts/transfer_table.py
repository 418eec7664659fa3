"""Medians of models on the conditions that they were trained on or built for, and on others.

kappa is that of the prompts. ``differs`` names the values in which their condition is not that of
the models, or says nothing.
"""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.statistics import medians
from icnewton.files import read_tables, write_table
from icnewton.problems import PROBLEMS
from job import job

with job(snakemake) as say:
    blocks, conditions = [], snakemake.params.conditions
    for path in map(Path, snakemake.input):
        tested_on = path.parent.name
        there = conditions[tested_on]
        measures = PROBLEMS[there["problem"]].measures
        for trained_on, rows in read_tables([path]).groupby("trained_on", sort=False):
            changed = [key for key in there if there[key] != conditions[trained_on][key]]
            where = {"trained_on": trained_on, "tested_on": tested_on, "kappa": there["kappa"]}
            where["differs"] = ", ".join(changed) or "nothing"
            blocks.append(medians(rows, measures).assign(**where))
    summary = pd.concat(blocks, ignore_index=True)
    for path in snakemake.output:
        write_table(Path(path), summary)
    say(f"{len(summary)} rows")
