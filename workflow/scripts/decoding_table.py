"""How well probes give iterates, trained encoders beside untrained ones and the labels' moment."""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.decoding import beside
from icnewton.files import read_tables, write_table
from job import job

with job(snakemake) as say:
    blocks = []
    for path in map(Path, snakemake.input):
        blocks.append(beside(read_tables([path])).assign(condition=path.parent.name))
    summary = pd.concat(blocks, ignore_index=True)
    for path in snakemake.output:
        write_table(Path(path), summary)
    say(f"{len(summary)} rows")
