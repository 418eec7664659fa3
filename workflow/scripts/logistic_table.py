"""Medians, intervals and spreads of every method on one logistic condition, one block of rows a
quantity.
"""

from operator import itemgetter
from pathlib import Path

import pandas as pd

from icnewton.evaluation.statistics import summarise
from icnewton.files import read_tables, write_table
from job import job

with job(snakemake) as say:
    frame = read_tables(snakemake.input)
    learned = frame[frame["training_error"].notna()]
    blocks = [
        summarise(rows, itemgetter(quantity)).assign(quantity=quantity)
        for quantity, rows in (
            ("loss", frame),
            ("excess", frame),
            ("distance", frame),
            ("training_error", learned),
        )
    ]
    summary = pd.concat(blocks, ignore_index=True)
    for path in (snakemake.output.csv, snakemake.output.md):
        write_table(Path(path), summary)
    say(f"{len(summary)} rows")
