"""What learned and built models leave of each eigenvalue, on a condition's prompts and beyond."""

from pathlib import Path

import pandas as pd

from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.evaluation.answers import method_of
from icnewton.evaluation.responses import Named, responses
from icnewton.files import write_table
from icnewton.models.weights import load
from icnewton.problems.parts.parse import read_asked
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition, prompts = read_asked(params.condition, snakemake.input.prompts)
    spectrum = spectrum_of(condition)
    models = []
    for name, folder in params.folders.items():
        model = load(folder)
        models.append(Named(method_of(name), params.seeds[name], model.card.depth, model))
    for name, by_step in params.built.items():
        models += [Named(f"built_{name}", 0, step, load(path)) for step, path in by_step.items()]
    frames = [responses(item, prompts, spectrum) for item in models]
    write_table(Path(snakemake.output[0]), pd.concat(frames, ignore_index=True))
    say(f"{len(models)} models on spectra within [{spectrum[0]:g}, {spectrum[1]:g}]")
