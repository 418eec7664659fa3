"""Least-squares transformers of one condition: constants are baked in, so they must suit the whole
condition.
"""

from icnewton.constructions.least_squares import build_least_squares
from icnewton.constructions.parts.calibration import spectrum
from icnewton.models.weights import save
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.linear import Condition
from job import job

with job(snakemake) as say:
    limit_threads(1)
    condition, variant = Condition(**snakemake.params.condition), snakemake.params.variant
    lower, upper = spectrum(condition)
    settings = (
        {"alpha": 1 / upper**2, "order": int(variant[-1])} if variant.startswith("newton") else {}
    )
    if variant == "chebyshev":
        settings = {"step": "chebyshev", "spectrum": (lower, upper)}
    say(f"spectrum of A^T A in [{lower:.4g}, {upper:.4g}]: {settings}")
    for steps in snakemake.params.steps:
        model = build_least_squares(d=condition.d, n=condition.n, steps=steps, **settings)
        save(model, f"{snakemake.params.folder}{steps}")
