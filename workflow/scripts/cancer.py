"""A built transformer on the breast-cancer data, beside scikit-learn."""

from pathlib import Path

from icnewton.evaluation.cancer import cancer_frame
from icnewton.files import write_table
from icnewton.pipeline.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    frame = cancer_frame(**snakemake.params.cancer)
    for path in (snakemake.output.csv, snakemake.output.md):
        write_table(Path(path), frame)
    say(frame.to_string())
