"""The claims table as CSV, Markdown and HTML, and for every figure the verdicts that it bears on."""

from pathlib import Path

from icnewton.claims import Comparison, Evidence, assess, caption, html, table
from icnewton.evaluation.statistics import squared_residual
from icnewton.files import read_tables, write_table, write_text
from icnewton.pipeline.pages import page
from job import job

SINGLE = ("checks", "diabetes", "steps", "widths", "budget", "decrease", "cancer")


def by_condition(paths):
    """One frame for each condition, which is the name of the folder."""
    conditions = dict.fromkeys(Path(path).parent.name for path in paths)
    return {
        c: read_tables(path for path in paths if Path(path).parent.name == c) for c in conditions
    }


with job(snakemake) as say:
    inputs = snakemake.input
    evidence = Evidence(
        linear=Comparison(by_condition(inputs.errors), squared_residual),
        probes=by_condition(inputs.probes),
        logistic=by_condition(inputs.logistic),
        **{name: read_tables([inputs[name]]) for name in SINGLE},
    )
    rows = assess(evidence)
    for path in (snakemake.output.csv, snakemake.output.md):
        write_table(Path(path), table(rows))
    write_text(Path(snakemake.output.fragment), html(rows))
    write_text(Path(snakemake.output.html), page("Claims", html(rows)))
    for path in map(Path, snakemake.output.captions):
        write_text(path, caption(rows, snakemake.params.figures[path.stem]))
    say(table(rows).to_string())
