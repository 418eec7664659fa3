"""What models that were trained or built for this condition or others answer to its prompts."""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.answers import built, fewer, frame, learned, method_of
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, asked = read_asked(params.condition, snakemake.input.prompts)
    prompts, frames = fewer(asked, params.prompts), []
    for name, folder in params.folders.items():
        answers = [learned(load(folder), method_of(name), params.seeds[name], condition, prompts)]
        rows = frame(answers, condition, prompts)
        frames.append(rows.assign(trained_on=name.split("/")[0]))
    for home, by_name in params.built.items():
        for name, by_step in by_name.items():
            loaded = {folder: load(folder) for folder in dict.fromkeys(by_step.values())}
            models = {step: loaded[folder] for step, folder in by_step.items()}
            answers = [*built(name, params.families[name], models, condition, prompts)]
            frames.append(frame(answers, condition, prompts).assign(trained_on=home))
    write_table(Path(snakemake.output[0]), pd.concat(frames, ignore_index=True))
    say(f"{len(frames)} methods on {len(prompts.y)} prompts")
