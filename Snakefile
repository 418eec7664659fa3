"""icnewton: every table, figure and claim of arXiv 2403.03183. Run it with `make reproduce`.

Results lie under the working directory; code, configuration and released/ beside this file.
"""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

from workflow import in_shell  # this checkout's own package runs, or none
from icnewton.files import try_lock
from icnewton.pipeline import entries
from icnewton.pipeline.complaints import check
from icnewton.evaluation.answers import method_of
from icnewton.evaluation.measurements import MEASUREMENTS
from icnewton.problems import PROBLEMS
from icnewton.protocols import PROTOCOLS
from icnewton.devices import resolve
from icnewton.digest import files_digest, script_digest
from icnewton.pipeline.records import AT_WORK, RUNNING
from icnewton.pipeline.released import RELEASED, Supply
from icnewton.pipeline.schema import name_of, overlays, read, settled


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


settled(config)
experiment = told(check, config)

RESULTS = f"results/{name_of(config['scale'])}"
CONDITIONS, RUNS = experiment.conditions, experiment.runs
DEVICE = resolve(config["device"])
MODELS = told(Supply.of, RUNS, config["training"], DEVICE, HERE / RELEASED)


report: "workflow/report/workflow.rst"


onstart:
    held = try_lock(RUNNING)
    if held is None:
        raise WorkflowError(AT_WORK)
    workflow.globals["held"] = held  # until this process ends, however it ends


wildcard_constraints:
    condition="[^/]+",
    run="[^/]+_layers[0-9]+_seed[0-9]+",


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/construct.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/decode.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/article.smk"


rule all:
    default_target: True
    input:
        # what lies between is asked for too, so that a file that was lost is made again
        expand(rules.data.output, condition=experiment.everywhere),
        CONSTRUCTED,
        TRAINED,
        [path for condition in CONDITIONS for path in evaluated(condition)],
        expand(rules.probe.output, condition=PROBED),
        expand(rules.respond.output, condition=ANSWERING),
        rules.extract.output if ANSWERING else [],
        expand(rules.decode.output, condition=DECODED),
        rules.decoding_table.output if DECODED else [],
        expand(rules.transfer.output, condition=experiment.tested),
        MEASURED,
        rules.claims.output,
        rules.provenance.output,
        expand(rules.table.output, condition=CONDITIONS),
        expand(rules.measurement_table.output, measurement=SHOWN),
        rules.transfer_table.output if experiment.tested else [],
        rules.diabetes.output if "diabetes" in config else [],
        expand(rules.figure.output, figure=experiment.figures()),
        rules.article.output,
