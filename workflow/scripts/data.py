"""Evaluation prompts of one condition."""

from pathlib import Path

from icnewton.pipeline.threads import limit_threads
from icnewton.problems.linear import generator, sample
from icnewton.problems.logistic import LogisticCondition, sample_logistic
from icnewton.problems.parts.disk import write_prompts
from icnewton.training.runs import parse_condition
from job import job

with job(snakemake) as say:
    limit_threads(1)
    condition, size = parse_condition(snakemake.params.condition), snakemake.params.evaluation
    source = generator("evaluation", condition, size["seed"])
    draw = sample_logistic if isinstance(condition, LogisticCondition) else sample
    write_prompts(
        Path(snakemake.output[0]), draw(condition, size["covariances"], size["prompts"], source)
    )
    say(f"{size['covariances']} covariances, {size['prompts']} prompts each")
