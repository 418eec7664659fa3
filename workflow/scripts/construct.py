"""Least-squares transformers of one condition: constants are baked in, so they must suit the whole condition."""

from icnewton.constructions import build
from icnewton.constructions.calibration import spectrum
from icnewton.prompts import Condition
from icnewton.weights import save
from job import job, limit_threads

with job(snakemake) as say:
    limit_threads(snakemake)
    condition, variant = Condition(**snakemake.params.condition), snakemake.wildcards.variant
    lower, upper = spectrum(condition)
    settings = {"alpha": 1 / upper**2, "order": int(variant[-1])} if variant.startswith("newton") else {}
    if variant == "chebyshev":
        settings = {"step": "chebyshev", "spectrum": (lower, upper)}
    say(f"spectrum of A^T A in [{lower:.4g}, {upper:.4g}]: {settings}")
    for steps in snakemake.params.steps:
        model = build("least_squares", d=condition.d, n=condition.n, steps=steps, **settings)
        save(model, f"{snakemake.params.folder}{steps}")
