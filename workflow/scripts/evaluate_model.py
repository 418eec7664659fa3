"""Residuals and probes of one learned model; infinite for one that diverged."""

from pathlib import Path

from icnewton.evaluation import errors_frame, model_predictions, probe_frame, probe_prompts, probe_values
from icnewton.files import write_table
from icnewton.prompt_files import read_prompts
from icnewton.threads import limit_threads
from icnewton.weights import load
from job import job

with job(snakemake) as say:
    limit_threads(1)
    prompts, model = read_prompts(snakemake.input.prompts), load(Path(snakemake.input.weights).parent)
    words = (model.card.family, snakemake.params.run["seed"], snakemake.params.run["layers"])
    errors = errors_frame([model_predictions(model, *words, prompts)], prompts)
    write_table(Path(snakemake.output.errors), errors)
    probes = probe_prompts(prompts, snakemake.params.probes, probe_values(prompts))
    write_table(Path(snakemake.output.probe), probe_frame([model_predictions(model, *words, probes)], probes))
    say(f"median squared error over trace {(errors['residual'] ** 2).median():.3e}")
