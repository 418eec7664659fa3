"""What models and algorithms answer as one coordinate of the query varies."""

from pathlib import Path

from icnewton.evaluation.answers import learned, method_of, references
from icnewton.evaluation.probes import STEPS, probe_frame, probe_prompts, probe_values
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, prompts = read_asked(params.condition, snakemake.input.prompts)
    probes = probe_prompts(prompts, params.probes, probe_values(prompts))
    answers = []
    for name, steps in params.algorithms.items():
        if shown := [step for step in steps if step <= STEPS]:
            answers += references(name, shown, condition, probes)
    for name, folder in params.folders.items():
        seed = params.seeds[name]
        answers.append(learned(load(folder), method_of(name), seed, condition, probes))
    write_table(Path(snakemake.output[0]), probe_frame(answers, probes))
    say(f"{len(answers)} (method, step) pairs on {len(probes.y)} prompts")
