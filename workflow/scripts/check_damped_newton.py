"""Damped-Newton transformers against the algorithm: step errors, widths, and what each gadget
contributes.
"""

from pathlib import Path

from icnewton.evaluation.logistic_checks import check_steps, check_widths, error_budget
from icnewton.files import write_table
from icnewton.pipeline.threads import limit_threads
from job import job


def renamed(values):
    """``prompts`` of the configuration is ``count`` of the functions, where prompts are tensors."""
    return {"count" if key == "prompts" else key: value for key, value in values.items()}


with job(snakemake) as say:
    limit_threads(1)
    settings = snakemake.params.logistic
    for name, check, key in (
        ("steps", check_steps, "checks"),
        ("widths", check_widths, "widths"),
        ("budget", error_budget, "budget"),
    ):
        frame = check(**settings["problem"], **renamed(settings[key]))
        write_table(Path(snakemake.output[name]), frame)
        say(f"{name}: {len(frame)} rows")
