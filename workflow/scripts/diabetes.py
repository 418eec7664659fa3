"""Built and learned transformers on the diabetes data.

The prompts are of 50 patients, and one is of all 441.
"""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.answers import method_of
from icnewton.evaluation.diabetes import built_frame, learned_frame, summary
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    frames = [built_frame()]
    for name, folder in snakemake.params.folders.items():
        model = load(folder)
        if not model.card.origin["diverged"]:
            frames.append(learned_frame(model, method_of(name)))
    frame = pd.concat(frames, ignore_index=True)
    write_table(Path(snakemake.output.predictions), frame)
    for path in (snakemake.output.csv, snakemake.output.md):
        write_table(Path(path), summary(frame))
    say(f"{len(frame)} predictions")
