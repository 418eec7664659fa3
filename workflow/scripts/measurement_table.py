"""A measurement as a table to be read."""

from pathlib import Path

from icnewton.files import read_tables, write_table
from job import job

with job(snakemake) as say:
    frame = read_tables(snakemake.input)
    for path in snakemake.output:
        write_table(Path(path), frame)
    say(f"{len(frame)} rows")
