"""One figure as PDF, PNG and SVG, drawn from tidy tables alone."""

from pathlib import Path

from icnewton.figures import Words, draw
from icnewton.figures.parts.style import save
from icnewton.files import read_tables
from job import job


def named(paths, conditions):
    """The tables of each condition, or each table by its file's name."""
    names = conditions or [Path(path).stem for path in paths]
    found = {name: [] for name in names}
    for path in map(Path, paths):
        found[path.stem if path.stem in found else path.parent.name].append(path)
    return {name: read_tables(files) for name, files in found.items()}


with job(snakemake) as say:
    params = snakemake.params
    tables = named(list(snakemake.input), params.spec.get("conditions", []))
    words = Words(**params.words)
    panels = params.spec.get("panels", [])
    figure = draw(params.spec["kind"], tables, panels, params.untrained, words)
    save(figure, {kind: Path(path) for kind, path in snakemake.output.items()})
    say(f"{params.spec['kind']} of {', '.join(tables)}")
