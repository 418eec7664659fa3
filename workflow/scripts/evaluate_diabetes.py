"""Built and learned transformers on the diabetes data, as prompts of 50 patients and as one of all
441.
"""

from pathlib import Path

import pandas as pd

from icnewton.evaluation.diabetes import built_frame, learned_frame, summary
from icnewton.evaluation.linear import method_of
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.pipeline.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    models = {
        folder: load(folder)
        for folder in dict.fromkeys(Path(path).parent for path in snakemake.input)
    }
    whole = {folder: model for folder, model in models.items() if not model.card.origin["diverged"]}
    learned = [learned_frame(model, method_of(folder.name)) for folder, model in whole.items()]
    frame = pd.concat([built_frame(), *learned], ignore_index=True)
    write_table(Path(snakemake.output.predictions), frame)
    for path in (snakemake.output.csv, snakemake.output.md):
        write_table(Path(path), summary(frame))
    say(f"{len(frame)} predictions")
