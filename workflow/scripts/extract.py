"""How much of each trained model's residuals is GD++, as a table of all conditions."""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.extraction import extract
from icnewton.files import read_tables, write_table
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    blocks = []
    for path in map(Path, snakemake.input):
        blocks.append(extract(read_tables([path])).assign(condition=path.parent.name))
    summary = pd.concat(blocks, ignore_index=True)
    for path in snakemake.output:
        write_table(Path(path), summary)
    say(f"{len(summary)} models")
