"""Residuals of the built transformers of one condition."""

from pathlib import Path

from icnewton.evaluation.linear import errors_frame, model_predictions
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.parts.disk import read_prompts
from job import job

with job(snakemake) as say:
    limit_threads(1)
    prompts = read_prompts(snakemake.input.prompts)
    results = []
    for folder in sorted({Path(path).parent for path in snakemake.input.models}):
        variant, steps = folder.name.split("_steps")
        results.append(model_predictions(load(folder), f"built_{variant}", 0, int(steps), prompts))
    write_table(Path(snakemake.output.errors), errors_frame(results, prompts))
    say(f"{len(results)} built models")
