"""What built transformers answer to the prompts of a condition, by their steps."""

from pathlib import Path

from icnewton.evaluation.answers import built, frame
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, prompts = read_asked(params.condition, snakemake.input.prompts)
    answers = []
    for name, by_step in params.folders.items():
        loaded = {folder: load(folder) for folder in dict.fromkeys(by_step.values())}
        models = {step: loaded[folder] for step, folder in by_step.items()}
        answers += built(name, params.families[name], models, condition, prompts)
    write_table(Path(snakemake.output[0]), frame(answers, condition, prompts))
    say(f"{len(answers)} (model, step) pairs on {len(prompts.y)} prompts")
