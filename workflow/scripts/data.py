"""Evaluation prompts of one condition."""

from pathlib import Path

import torch

from icnewton.problems import PROBLEMS
from icnewton.problems.parts.parse import parse_condition
from icnewton.problems.parts.prompts import write_prompts
from icnewton.randomness import generator
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    condition = parse_condition(snakemake.params.condition)
    size = snakemake.params.evaluation
    source = generator("evaluation", condition, size["seed"])
    counts = (size["covariances"], size["prompts"])
    prompts = PROBLEMS[condition.problem].sample(condition, *counts, source, torch.float64)
    write_prompts(Path(snakemake.output[0]), prompts)
    say(f"{counts[0]} covariances, {counts[1]} prompts each")
