"""Medians, intervals and spreads of every method on one condition, measure by measure."""

from pathlib import Path

from icnewton.evaluation.statistics import medians
from icnewton.files import read_tables, write_table
from icnewton.problems import PROBLEMS
from job import job

with job(snakemake) as say:
    measures = PROBLEMS[snakemake.params.problem].measures
    summary = medians(read_tables(snakemake.input), measures)
    for path in snakemake.output:
        write_table(Path(path), summary)
    say(f"{len(summary)} rows")
