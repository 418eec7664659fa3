"""Residuals of the reference algorithms at the configured steps, probes at the first six."""

from pathlib import Path

from icnewton.evaluation.linear import errors_frame, probe_frame, probe_prompts, probe_values
from icnewton.evaluation.references import reference_predictions
from icnewton.files import write_table
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.parts.disk import read_prompts
from job import job

with job(snakemake) as say:
    limit_threads(1)
    prompts, algorithms = read_prompts(snakemake.input.prompts), snakemake.params.algorithms
    results = [
        r for name, steps in algorithms.items() for r in reference_predictions(name, steps, prompts)
    ]
    write_table(Path(snakemake.output.errors), errors_frame(results, prompts))
    probes = probe_prompts(prompts, snakemake.params.probes, probe_values(prompts))
    shown = {name: [step for step in steps if step <= 6] for name, steps in algorithms.items()}
    outputs = [
        r
        for name, steps in shown.items()
        if steps
        for r in reference_predictions(name, steps, probes)
    ]
    write_table(Path(snakemake.output.probe), probe_frame(outputs, probes))
    say(f"{len(results)} (algorithm, step) pairs on {len(prompts.y)} prompts")
