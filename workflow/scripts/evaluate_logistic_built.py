"""Losses and distances of the built logistic transformers after every step; their weights are kept
beside.
"""

from pathlib import Path

from icnewton.constructions.damped_newton import build_damped_newton
from icnewton.constructions.gradient_descent import build_gradient_descent
from icnewton.evaluation.logistic import logistic_frame
from icnewton.evaluation.logistic_built import built_weights
from icnewton.files import write_table
from icnewton.models.weights import save
from icnewton.pipeline.threads import limit_threads
from icnewton.problems.logistic import LogisticCondition
from icnewton.problems.parts.disk import read_logistic_prompts
from job import job

BUILDERS = {"damped_newton": build_damped_newton, "gradient_descent": build_gradient_descent}

with job(snakemake) as say:
    limit_threads(1)
    condition, prompts = (
        LogisticCondition(**snakemake.params.condition),
        read_logistic_prompts(snakemake.input.prompts),
    )
    sizes = {"d": condition.d, "n": condition.n, "mu": condition.mu}
    answers = []
    for family, settings in snakemake.params.built.items():
        model = BUILDERS[family](
            **sizes, error=settings["error"], steps=max(settings["steps"]), looped=True
        )
        save(model, f"{snakemake.params.folder}/{family}")
        answers += built_weights(model, settings["steps"], prompts)
        say(str(model.card.origin))
    write_table(Path(snakemake.output.errors), logistic_frame(answers, condition.mu, prompts))
