"""Residuals and probes of learned models, of a run or of all that were released; infinite where
training diverged.
"""

from pathlib import Path

from icnewton.evaluation.linear import (
    errors_frame,
    method_of,
    model_predictions,
    probe_frame,
    probe_prompts,
    probe_values,
)
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.parts.disk import read_prompts
from job import job

with job(snakemake) as say:
    limit_threads(1)
    prompts, runs = read_prompts(snakemake.input.prompts), snakemake.params.runs
    probes = probe_prompts(prompts, snakemake.params.probes, probe_values(prompts))
    models = [
        load(folder)
        for folder in dict.fromkeys(Path(path).parent for path in snakemake.input.models)
    ]
    words = [(method_of(name), run["seed"], run["layers"]) for name, run in runs.items()]
    for frame, asked, path in ((errors_frame, prompts, "errors"), (probe_frame, probes, "probe")):
        answers = [
            model_predictions(model, *label, asked)
            for model, label in zip(models, words, strict=True)
        ]
        write_table(Path(snakemake.output[path]), frame(answers, asked))
    say(f"evaluated {', '.join(runs)}")
