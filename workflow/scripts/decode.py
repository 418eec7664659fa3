"""How well linear probes of encoders give the iterates of algorithms, layer by layer."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pandas as pd

from icnewton.evaluation.answers import method_of
from icnewton.evaluation.decoding import decode
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from icnewton.training.runs import parse_run
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, prompts = read_asked(params.condition, snakemake.input.prompts)
    blocks = []
    for name, folder in params.folders.items():
        model = load(folder)
        origin, depth = model.card.origin, model.card.depth
        start = replace(model, transformer=parse_run(origin["run"]).transformer())
        models = {"trained": start if origin["diverged"] else model, "untrained": start}
        rows = decode(models, prompts, condition, params.algorithms)
        if origin["diverged"]:
            rows[["r2", "low", "high"]] = inf
        words = {"method": method_of(name), "seed": params.seeds[name], "step": depth}
        blocks.append(rows.assign(**words))
    write_table(Path(snakemake.output[0]), pd.concat(blocks, ignore_index=True))
    say(f"{len(blocks)} encoders on {len(prompts.y)} prompts")
