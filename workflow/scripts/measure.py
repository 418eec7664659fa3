"""A table that needs no trained model."""

from pathlib import Path

from icnewton.evaluation.measurements import MEASUREMENTS
from icnewton.files import write_table
from icnewton.threads import limit_threads
from icnewton.typed import settings_of
from job import job

with job(snakemake) as say:
    limit_threads(1)
    measure = MEASUREMENTS[snakemake.params.name].measure
    frame = measure(**settings_of(measure, snakemake.params.settings))
    write_table(Path(snakemake.output[0]), frame)
    say(f"{len(frame)} rows")
