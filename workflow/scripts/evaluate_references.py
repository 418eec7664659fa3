"""What the reference algorithms answer to the prompts of a condition after some of their steps."""

from pathlib import Path

from icnewton.evaluation.answers import frame, references
from icnewton.files import write_table
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    condition, prompts = read_asked(snakemake.params.condition, snakemake.input.prompts)
    answers = []
    for name, steps in snakemake.params.algorithms.items():
        answers += references(name, steps, condition, prompts)
    write_table(Path(snakemake.output[0]), frame(answers, condition, prompts))
    say(f"{len(answers)} (algorithm, step) pairs on {len(prompts.y)} prompts")
