"""What built transformers answer to the prompts of a condition, by their steps."""

from pathlib import Path

from icnewton.evaluation.answers import built, frame
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.parse import parse_condition
from icnewton.problems.parts.prompts import read_prompts
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition = parse_condition(params.condition)
    prompts = read_prompts(PROBLEMS[condition.problem].prompts, snakemake.input.prompts)
    answers = []
    for name, by_step in params.folders.items():
        loaded = {folder: load(folder) for folder in dict.fromkeys(by_step.values())}
        models = {step: loaded[folder] for step, folder in by_step.items()}
        answers += built(name, params.families[name], models, condition, prompts)
    write_table(Path(snakemake.output[0]), frame(answers, condition, prompts))
    say(f"{len(answers)} (model, step) pairs on {len(prompts.y)} prompts")
