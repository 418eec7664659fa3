"""The article: index.html, with every number taken from the tables beside it."""

import json
from pathlib import Path

from icnewton.article.compose import compose
from icnewton.files import write_text
from job import job

with job(snakemake) as say:
    index = Path(snakemake.output[0])
    facts = json.loads(Path(snakemake.input.facts).read_text(encoding="utf-8"))
    page = compose(index.parent, {**snakemake.params.spec, "facts": facts})
    write_text(index, page)
    say(f"{len(page) / 1e6:.1f} MB")
