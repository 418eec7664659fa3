"""Losses and distances of learned models, of a run or of all that were released; infinite where
training diverged.
"""

from pathlib import Path

from icnewton.evaluation.logistic import learned_weights, logistic_frame
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.parts.disk import read_logistic_prompts
from job import job

with job(snakemake) as say:
    limit_threads(1)
    runs, prompts = snakemake.params.runs, read_logistic_prompts(snakemake.input.prompts)
    models = [
        load(folder)
        for folder in dict.fromkeys(Path(path).parent for path in snakemake.input.models)
    ]
    answers = [
        learned_weights(model, run["seed"], prompts)
        for model, run in zip(models, runs.values(), strict=True)
    ]
    frame = logistic_frame(answers, next(iter(runs.values()))["condition"]["mu"], prompts)
    write_table(Path(snakemake.output[0]), frame)
    say(f"evaluated {', '.join(runs)}")
