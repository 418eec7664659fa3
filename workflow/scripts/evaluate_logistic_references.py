"""Losses and distances of the reference algorithms at the configured steps."""

from pathlib import Path

from icnewton.evaluation.logistic import logistic_frame, reference_weights
from icnewton.files import write_table
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.parts.disk import read_logistic_prompts
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params, prompts = snakemake.params, read_logistic_prompts(snakemake.input.prompts)
    mu = params.condition["mu"]
    answers = [
        w
        for name, steps in params.algorithms.items()
        for w in reference_weights(name, steps, mu, prompts)
    ]
    write_table(Path(snakemake.output[0]), logistic_frame(answers, mu, prompts))
    say(f"{len(answers)} (algorithm, step) pairs on {len(prompts.y)} prompts")
