"""A rerun is exactly as large as the change: edits of a finished checkout, and the jobs that a dry
run then plans.

Each entry: the edit, and the jobs it must cause, all of them.
"""

import json
import subprocess
import sys

import pytest
from conftest import environment_of, restored
from edits import PACKAGE, added, again, copied, corrupted, deleted, replaced, touched

LSA, LN, SOFTMAX = (
    "normalised_kappa10_noise0",
    "unnormalised_kappa5_noise0.1",
    "bounded_kappa10_mu0.1",
)
RUNS = {
    LSA: ["lsa_layers1_seed0", "lsa_layers2_seed0", "lsa-clip_layers1_seed0"],
    LN: ["lsa_ln_layers1_seed0"],
    SOFTMAX: ["softmax_layers1_seed0", "softmax_layers2_seed0", "softmax_truth_layers1_seed0"],
}
HARDER = "normalised_kappa50_noise0"  # where models of LSA are tested
FIGURES = {
    LSA: {"figure2", "figure4", "headline", "similarity", "ablation"},
    LN: {"figure9"},
    SOFTMAX: {"figure1", "figure7", "logistic_distance", "logistic_grid", "logistic_layers"},
    "steps": {"layers_law"},
    "widths": {"width_law"},
    "budget": {"error_budget"},
    "decrease": {"figure10"},
    "transfer": {"robustness"},
    "decoding": {"decoding"},
}
CLAIMS = {"claims", "provenance"}
FIRST = RUNS[LSA][:2]  # the runs of the first entry of the configuration
LINEAR, ALL = (LSA, LN), (LSA, LN, SOFTMAX)


def figures(*groups):
    return {f"figure {name}" for group in groups for name in FIGURES[group]}


def of_runs(rule, *conditions):
    return {f"{rule} {condition}/{run}" for condition in conditions for run in RUNS[condition]}


def at(rule, *conditions):
    return {f"{rule} {condition}" for condition in conditions}


def probes(*conditions):
    return at("probe", *(condition for condition in conditions if condition in LINEAR))


def responses(*conditions):
    """What is left of eigenvalues, and the figures of it."""
    drawn = {f"respond {LSA}", "figure boundary", "figure polynomials", "extract"}
    return drawn if LSA in conditions else set()


def transferred():
    """Models of LSA on its prompts and on others, and the figure of it."""
    return at("transfer", LSA, HARDER) | {"transfer_table"} | figures("transfer")


def decoded(*conditions):
    """What can be read off an encoder, and the figure of it."""
    drawn = {f"decode {SOFTMAX}", "decoding_table"} | figures("decoding")
    return drawn if SOFTMAX in conditions else set()


def shown(*conditions):
    """What is made of the evaluations of conditions."""
    return at("table", *conditions) | figures(*conditions) | CLAIMS


def asked_again(*conditions):
    """Everything that reads the prompts of conditions, and what follows."""
    built = {
        LSA: {f"evaluate_built {LSA}", f"evaluate_limits {LSA}"},
        LN: set(),
        SOFTMAX: {f"evaluate_built {SOFTMAX}"},
    }
    evaluations = at("evaluate_learned", *conditions) | at("evaluate_references", *conditions)
    for condition in conditions:
        evaluations |= built[condition]
    if LSA in conditions:
        evaluations |= transferred() - {f"transfer {HARDER}"}
    evaluations |= probes(*conditions) | responses(*conditions) | decoded(*conditions)
    return evaluations | shown(*conditions)


def trained_again(*conditions):
    """Trainings, and what follows from them."""
    trained = of_runs("train", *conditions) | at("evaluate_learned", *conditions)
    trained |= decoded(*conditions) | (transferred() if LSA in conditions else set())
    return trained | probes(*conditions) | responses(*conditions) | shown(*conditions)


def measured(*names):
    """Measurements, and what is made of them."""
    return at("measure", *names) | figures(*(n for n in names if n in FIGURES)) | CLAIMS


CONSTRUCTED = {
    "least_squares": {f"construct_{name} {LSA}" for name in ("newton2", "chebyshev")},
    "damped_newton": {f"construct_damped_newton {SOFTMAX}"},
    "logistic_gradient_descent": {f"construct_logistic_gradient_descent {SOFTMAX}"},
}
SMOKE, CONFIG = "workflow/scales/smoke.yaml", "config.yaml"
MODEL = f"train/{LSA}/lsa_layers2_seed0"
NEWTON = at("evaluate_references", *LINEAR) | probes(*LINEAR) | shown(*LINEAR)
DAMPED = (
    CONSTRUCTED["damped_newton"] | {f"evaluate_built {SOFTMAX}", "measurement_table breast_cancer"}
    | measured("steps", "widths", "budget", "breast_cancer") | shown(SOFTMAX)
)  # fmt: skip
EDITS = {
    "nothing": (lambda folder: None, set()),
    "scripts, modules and configuration touched": (
        touched("workflow/scripts/train.py", f"{PACKAGE}/registry.py", CONFIG, "Snakefile"),
        set(),
    ),
    "a comment in a script": (
        replaced("workflow/scripts/train.py", "with job(", "# a remark\nwith job("),
        set(),
    ),
    "a comment in a module": (
        replaced(f"{PACKAGE}/problems/linear.py", "@dataclass", "# a remark\n@dataclass"),
        set(),
    ),
    "a docstring of the step": (
        replaced(f"{PACKAGE}/training/step.py", '"""', '"""Again: '),
        set(),
    ),
    "memory of a rule": (
        replaced("workflow/rules/train.smk", "mem_mb=4000", "mem_mb=5000"),
        set(),
    ),
    "time between checkpoints": (
        replaced(CONFIG, "checkpoint_seconds: 30", "checkpoint_seconds: 60"),
        {"provenance"},
    ),
    "a figure's value": (
        replaced(SMOKE, "algorithms: [newton4], steps: 6", "algorithms: [newton4], steps: 5"),
        {"figure figure9", "provenance"},
    ),
    "the style of all figures": (
        replaced(f"{PACKAGE}/figures/parts/style.py", '"font.size": 9', '"font.size": 10'),
        figures(*FIGURES) | {"figure boundary", "figure polynomials"},
    ),
    "a recipe's rate": (
        replaced(f"{PACKAGE}/training/recipes/fast.yaml", "rate: 3.0e-3", "rate: 3.1e-3"),
        trained_again(LSA),
    ),
    "a new kappa": (
        replaced(SMOKE, "kappa: [10]\n    noise", "kappa: [10, 20]\n    noise"),
        {f"train {LSA}/{run}".replace("kappa10", "kappa20") for run in FIRST}
        | {
            f"{rule} {LSA}".replace("kappa10", "kappa20")
            for rule in ("data", "evaluate_learned", "evaluate_references", "probe", "table",
                         "transfer")
        }
        | (transferred() - {f"transfer {LSA}"}) | CLAIMS,
    ),
    "the evaluation's seed": (
        replaced(SMOKE, "seed: 0}", "seed: 1}"),
        at("data", *ALL, HARDER) | asked_again(*ALL) | transferred(),
    ),
    "a training's seed": (
        replaced(SMOKE, "seeds: [0]", "seeds: [1]"),
        {f"train {LSA}/{run}".replace("seed0", "seed1") for run in FIRST}
        | at("evaluate_learned", LSA) | probes(LSA) | responses(LSA) | transferred() | shown(LSA),
    ),
    "the training's schedule": (
        replaced(f"{PACKAGE}/training/schedule.py", "0.5 *", "0.25 * 2 *"),
        trained_again(*ALL),
    ),
    "what a model says of its domain": (
        replaced(f"{PACKAGE}/domains/learned.py", "MARGIN = 1.25", "MARGIN = 1.5"),
        set(),
    ),
    "a function of Appendix E.1": (again("theory/decrease.py", "def delta("), measured("decrease")),
    "an output deleted": (
        deleted(f"tables/{LSA}.csv"),
        {f"table {LSA}", "figure figure2", "figure headline"},
    ),
    "weights corrupted": (
        corrupted(f"{MODEL}/weights.safetensors"),
        {f"train {LSA}/lsa_layers2_seed0", f"evaluate_learned {LSA}"}
        | probes(LSA) | responses(LSA) | transferred() | shown(LSA),
    ),
    "a figure corrupted": (corrupted("figures/figure2.png"), {"figure figure2"}),
    # one new and one edited entry of each registry
    "a new problem": (
        copied("problems/linear.py", "other.py", ('"linear"', '"other"'), ("noise", "spread")),
        set(),
    ),
    "a problem": (
        again("problems/logistic.py"),
        at("data", SOFTMAX) | of_runs("train", SOFTMAX) | asked_again(SOFTMAX) | DAMPED
        | CONSTRUCTED["logistic_gradient_descent"],
    ),
    "a new protocol": (
        copied("protocols/normalised.py", "other.py", ('"normalised"', '"other"')),
        set(),
    ),
    "a protocol": (
        again("protocols/unnormalised.py"),
        at("data", LN) | of_runs("train", LN) | asked_again(LN),
    ),
    "a new algorithm": (
        copied("algorithms/conjugate_gradient.py", "other.py", ('"conjugate_gradient"', '"other"')),
        set(),
    ),
    "an algorithm": (again("algorithms/conjugate_gradient.py"), NEWTON),
    "a new family": (copied("models/families/lsa.py", "other.py", ('"lsa"', '"other"')), set()),
    "a family": (
        again("models/families/softmax_truth.py"),
        {f"train {SOFTMAX}/{RUNS[SOFTMAX][2]}", f"evaluate_learned {SOFTMAX}"}
        | shown(SOFTMAX),
    ),
    "a new construction": (
        copied("constructions/inverse.py", "other.py", ('"inverse"', '"other"')),
        set(),
    ),
    "a construction": (
        again("constructions/least_squares.py"),
        CONSTRUCTED["least_squares"] | {f"evaluate_built {LSA}", "diabetes"} | responses(LSA)
        | measured("constructions") | NEWTON,
    ),
    "a new measurement": (
        copied("evaluation/measurements/decrease.py", "other.py", ('"decrease"', '"other"')),
        set(),
    ),
    "a measurement": (again("evaluation/measurements/widths.py"), measured("widths")),
    "a new recipe": (copied("training/recipes/fast.yaml", "other.yaml"), set()),
    "a new kind of figure": (
        copied("figures/curves.py", "other.py", ('"curves"', '"other"')),
        set(),
    ),
    "a kind of figure": (
        replaced(f"{PACKAGE}/figures/headline.py", "FRAME = 3", "FRAME = 3 + 0"),
        {"figure headline"},
    ),
    "a new claim": (added("claims/other.py", "ENTRIES = {}\n"), CLAIMS),
}  # fmt: skip


# a process that has imported what takes long, none of it ours, and plans in copies of itself
PLANNER = """
import json, os, sys
import matplotlib.figure, pandas, safetensors.torch, snakemake.cli, torch
for folder in map(str.rstrip, sys.stdin):
    if os.fork():
        os.wait()
        continue
    os.chdir(folder)
    try:
        from workflow.status import plan
        names = [job.name for job in plan(["--config", "scale=smoke"])]
    except BaseException as error:
        names = str(error)
    print(json.dumps(names), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def planned(finished):
    """From a finished folder to the names of the jobs that a run would do."""
    command, pipe = [sys.executable, "-c", PLANNER], subprocess.PIPE
    environment = environment_of(finished[1])
    with subprocess.Popen(
        command, cwd="/", env=environment, stdin=pipe, stdout=pipe, encoding="utf-8"
    ) as process:

        def ask(folder):
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_exactly_what_it_touches(finished, planned, edit):
    change, touched_jobs = EDITS[edit]
    wanted = touched_jobs | {"article"} if touched_jobs else set()  # it shows whatever there is
    with restored(finished[1]):
        change(finished[1])
        found = planned(finished[1])
    assert isinstance(found, list), found
    assert len(found) == len(set(found)) and set(found) == wanted
