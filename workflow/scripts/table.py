"""Medians, intervals and spreads of every method on one condition."""

from pathlib import Path

from icnewton.evaluation.statistics import summarise
from icnewton.files import read_tables, write_table
from job import job

with job(snakemake) as say:
    summary = summarise(read_tables(snakemake.input))
    for path in snakemake.output:
        write_table(Path(path), summary)
    say(f"{len(summary)} rows")
