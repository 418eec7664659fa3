"""One figure as PDF, PNG and SVG, drawn from tidy tables alone."""

from pathlib import Path

from icnewton.figures import draw
from icnewton.figures.parts.style import save
from icnewton.files import read_tables
from job import job

with job(snakemake) as say:
    spec, paths = snakemake.params.spec, list(snakemake.input)
    names = spec.get("conditions", [Path(path).stem for path in paths])
    tables = {
        name: read_tables(p for p in paths if name in (Path(p).stem, Path(p).parent.name))
        for name in names
    }
    figure = draw(spec["kind"], tables, spec.get("panels", []), snakemake.params.untrained)
    save(figure, {kind: Path(path) for kind, path in snakemake.output.items()})
    say(f"{spec['kind']} of {', '.join(tables)}")
