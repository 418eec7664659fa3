"""Every construction against its algorithm on random problems."""

from pathlib import Path

from icnewton.evaluation.checks import check_all
from icnewton.files import write_table
from icnewton.pipeline.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    frame = check_all(**snakemake.params.checks)
    write_table(Path(snakemake.output[0]), frame)
    say(f"{len(frame)} settings, largest relative error {frame['error'].max():.2e}")
