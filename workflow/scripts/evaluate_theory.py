"""Residuals of the best fixed polynomials and, where models attend to their query, of least squares
with it as an example.

Both are fitted on other prompts.
"""

from math import nan
from pathlib import Path

from icnewton.evaluation.linear import Labelled, errors_frame
from icnewton.files import write_table
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.linear import Condition
from icnewton.problems.parts.disk import read_prompts
from icnewton.theory import query_as_key
from icnewton.theory.polynomials import degree, fit, fitting_prompts
from job import job

with job(snakemake) as say:
    limit_threads(1)
    condition, prompts = (
        Condition(**snakemake.params.condition),
        read_prompts(snakemake.input.prompts),
    )
    batches = fitting_prompts(condition, snakemake.params.polynomial["prompts"])
    results = []
    for layers in snakemake.params.polynomial["layers"]:
        polynomial = fit(batches, degree(layers))
        results.append(
            Labelled("best_polynomial", "theory", 0, layers, layers, polynomial.predict(prompts))
        )
        say(f"{layers} layers: degree {degree(layers)}")
    if snakemake.params.query_as_key:
        level = query_as_key.best_factor(batches) * query_as_key.predict(prompts)
        results.append(Labelled("query_as_example", "theory", 0, 0, nan, level))
    write_table(Path(snakemake.output.errors), errors_frame(results, prompts))
