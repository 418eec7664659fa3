"""Built transformers of one condition.

Constants are baked in, so they must suit all its prompts.
"""

from icnewton.constructions import CONSTRUCTIONS, build
from icnewton.models.weights import save
from icnewton.problems.parts.parse import parse_condition
from icnewton.threads import limit_threads
from job import job

with job(snakemake) as say:
    limit_threads(1)
    params = snakemake.params
    condition = parse_condition(params.condition)
    suited = CONSTRUCTIONS[params.family].suited
    largest = {folder: step for step, folder in sorted(params.folders.items())}
    for folder, steps in largest.items():
        settings = suited(condition, {**params.settings, "steps": steps})
        say(str(settings))
        save(build(params.family, **settings), folder)
