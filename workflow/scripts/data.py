"""Evaluation prompts of one condition."""

from pathlib import Path

from icnewton.files import write_prompts
from icnewton.prompts import Condition, generator, sample
from job import job, limit_threads

with job(snakemake) as say:
    limit_threads(snakemake)
    condition, size = Condition(**snakemake.params.condition), snakemake.params.evaluation
    source = generator("evaluation", condition, size["seed"])
    write_prompts(Path(snakemake.output[0]), sample(condition, size["covariances"], size["prompts"], source))
    say(f"{size['covariances']} covariances, {size['prompts']} prompts each")
