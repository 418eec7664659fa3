"""Losses and distances of one learned model; infinite for one that diverged."""

from pathlib import Path

from icnewton.files import write_table
from icnewton.logistic_evaluation import learned_weights, logistic_frame
from icnewton.prompt_files import read_logistic_prompts
from icnewton.threads import limit_threads
from icnewton.training.runs import parse_run
from icnewton.weights import load
from job import job

with job(snakemake) as say:
    limit_threads(1)
    run, prompts = parse_run(snakemake.params.run), read_logistic_prompts(snakemake.input.prompts)
    answers = learned_weights(load(Path(snakemake.input.weights).parent), run.seed, prompts)
    frame = logistic_frame([answers], run.condition.mu, prompts)
    write_table(Path(snakemake.output[0]), frame)
    say(f"median loss {frame['loss'].median():.4f}, excess {frame['excess'].median():.3e}")
