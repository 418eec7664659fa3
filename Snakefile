"""icnewton: every table, figure and claim of arXiv 2403.03183. Run it with `make reproduce`.

Results lie under the working directory; code, configuration and released/ beside this file.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

from workflow import in_shell  # this checkout's own package runs, or none
from icnewton.pipeline.devices import resolve
from icnewton.pipeline.digest import script_digest
from icnewton.pipeline.experiment import Experiment, condition_name
from icnewton.files import try_lock
from icnewton.pipeline.records import AT_WORK, RUNNING
from icnewton.pipeline.released import RELEASED, Supply
from icnewton.pipeline.schema import overlays, read


def told(check, *arguments):
    """What a check gives; its complaint reaches the user as it is."""
    try:
        return check(*arguments)
    except ValueError as error:
        raise WorkflowError(str(error))


# "." where Snakemake runs in the checkout, so that paths in params and records are the same in each
HERE = Path(os.path.relpath(os.path.realpath(workflow.basedir)))
sys.executable = in_shell(sys.executable)  # Snakemake's commands take it as it is

# Snakemake alone would run a template, and keep the last of two keys
told(read, HERE / "config.yaml")


configfile: f"{HERE / 'config.yaml'}"


for overlay in told(overlays, config.get("scale"), HERE / "workflow/scales"):

    configfile: overlay


experiment = told(
    Experiment.check, config, read(HERE / "workflow/schemas/config.schema.yaml")
)

RESULTS = f"results/{config['scale']}"
LINEAR, LOGISTIC = experiment.conditions(), experiment.logistic_conditions()
RUNS = experiment.runs()
DEVICE = resolve(config["device"])
MODELS = told(Supply.of, RUNS, config["training"], DEVICE, HERE / RELEASED)


report: "workflow/report/workflow.rst"


onstart:
    held = try_lock(RUNNING)
    if held is None:
        raise WorkflowError(AT_WORK)
    workflow.globals["held"] = held  # until this process ends, however it ends


def stage(script, *modules):
    """A digest of the code that a job runs, so that it is run again when that changes."""
    return script_digest(HERE / "workflow/scripts" / script, *modules)


wildcard_constraints:
    condition="[a-z]+_kappa[^/_]+_(noise|mu)[^/_]+",
    run="[a-z_]+(-[a-z_]+)?_layers[0-9]+_seed[0-9]+",


include: "workflow/rules/data.smk"
include: "workflow/rules/construct.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/logistic.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"


rule all:
    default_target: True
    input:
        # what lies between is asked for too, so that a file that was lost is made again
        expand(rules.data.output, condition=[*LINEAR, *LOGISTIC]),
        expand(rules.construct.output, condition=BUILT_CONDITIONS, variant=VARIANTS),
        [
            path
            for name in MODELS.trained
            for path in [*learned(name), training_log(name)]
        ],
        ERRORS,
        PROBES,
        ANSWERS,
        expand(rules.evaluate_logistic_built.output, condition=BOUNDED),
        rules.check_constructions.output,
        rules.check_damped_newton.output,
        rules.decrease.output,
        rules.claims.output,
        rules.provenance.output,
        rules.evaluate_diabetes.output,
        rules.cancer.output,
        expand(rules.table.output, condition=LINEAR),
        expand(rules.logistic_table.output, condition=LOGISTIC),
        expand(rules.figure.output, figure=config["figures"]),
