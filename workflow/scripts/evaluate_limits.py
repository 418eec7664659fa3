"""What theory says can be reached on the prompts of a condition."""

from pathlib import Path

from icnewton.evaluation.answers import frame
from icnewton.evaluation.limits import limits
from icnewton.files import write_table
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, prompts = read_asked(params.condition, snakemake.input.prompts)
    polynomial = params.polynomial
    counts = (polynomial["prompts"], polynomial["layers"])
    answers = limits(condition, prompts, *counts, params.attending)
    write_table(Path(snakemake.output[0]), frame(answers, condition, prompts))
    say(", ".join(answer.method for answer in answers))
