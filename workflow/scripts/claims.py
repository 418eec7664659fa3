"""The claims table as CSV, Markdown and HTML, and the verdicts that bear on each figure."""

from pathlib import Path

from icnewton.claims import Evidence, Facts, assess, caption, html, table
from icnewton.files import read_tables, write_table, write_text
from icnewton.pages.plain import page
from icnewton.problems.parts.parse import parse_condition
from job import job


def by_condition(paths):
    """One frame for each condition, which is the name of the folder."""
    found = {}
    for path in map(Path, paths):
        found.setdefault(path.parent.name, []).append(path)
    return {condition: read_tables(files) for condition, files in found.items()}


def facts_of(values):
    """What is known of a condition, from plain values."""
    return Facts(**{**values, "condition": parse_condition(values["condition"])})


with job(snakemake) as say:
    inputs = snakemake.input
    diabetes = list(inputs.get("diabetes", []) and [inputs.diabetes])
    extraction = list(inputs.get("extraction", []) and [inputs.extraction])
    evidence = Evidence(
        errors=by_condition(inputs.errors),
        facts={name: facts_of(values) for name, values in snakemake.params.facts.items()},
        probes=by_condition(inputs.probes),
        responses=by_condition(inputs.responses),
        extraction=read_tables(extraction) if extraction else None,
        measurements={Path(path).stem: read_tables([path]) for path in inputs.measurements},
        diabetes=read_tables(diabetes) if diabetes else None,
    )
    rows = assess(evidence)
    for path in (snakemake.output.csv, snakemake.output.md):
        write_table(Path(path), table(rows))
    write_text(Path(snakemake.output.fragment), html(rows))
    write_text(Path(snakemake.output.html), page("Claims", html(rows)))
    for path in map(Path, snakemake.output.captions):
        write_text(path, caption(rows, snakemake.params.figures[path.stem]))
    say(table(rows).to_string())
