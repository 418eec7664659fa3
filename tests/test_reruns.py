"""A rerun is exactly as large as the change: edits of a finished checkout, and the jobs that a dry
run then plans.

Each entry: the edit, and the jobs it must cause, all of them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RESULTS, environment_of, restored

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
FIGURES = {
    "linear": {"figure2", "figure4", "headline", "similarity", "ablation"},
    "ln": {"figure9"},
    "logistic": {"figure1", "figure7", "logistic_distance", "logistic_grid", "logistic_layers"},
    "built": {"figure10", "layers_law", "width_law", "error_budget"},
}
CLAIMS = {"claims", "provenance"}


FIRST = RUNS[LSA][:2]  # the runs of the first entry of the configuration


def figures(*groups):
    return {f"figure {name}" for group in groups for name in FIGURES[group]}


def of_runs(rule, condition):
    return {f"{rule} {condition}/{run}" for run in RUNS[condition]}


EVALUATED_LINEAR = {*of_runs("evaluate_model", LSA), *of_runs("evaluate_model", LN)}
EVALUATED = EVALUATED_LINEAR | of_runs("evaluate_logistic_model", SOFTMAX)
TABLES = {f"table {LSA}", f"table {LN}", f"logistic_table {SOFTMAX}"}
TRAINED = {job for condition in RUNS for job in of_runs("train", condition)}
DATA = {f"data {condition}" for condition in RUNS}
REFERENCES = {
    f"evaluate_references {LSA}",
    f"evaluate_references {LN}",
    f"evaluate_logistic_references {SOFTMAX}",
}
BUILT = {f"evaluate_built {LSA}", f"evaluate_logistic_built {SOFTMAX}", f"evaluate_theory {LSA}"}
SMOKE, CONFIG = "workflow/scales/smoke.yaml", "config.yaml"
MODEL = f"train/{LSA}/lsa_layers2_seed0"


def replaced(path: str, old: str, new: str) -> Callable[[Path], None]:
    """The edit of a file that puts ``new`` in place of the first ``old``."""

    def edit(folder):
        text = (folder / path).read_text(encoding="utf-8")
        assert old in text, (path, old)
        (folder / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def deleted(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / RESULTS / path).unlink()


def touched(*paths: str) -> Callable[[Path], None]:
    return lambda folder: [os.utime(folder / path) for path in paths] and None


def corrupted(path: str) -> Callable[[Path], None]:
    """One byte changed; `make reproduce` then begins by setting the file aside."""

    def edit(folder):
        file = folder / RESULTS / path
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        found = subprocess.run(
            [sys.executable, "-m", "icnewton.pipeline.records", "set-aside", str(RESULTS)],
            cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert (
            found.stdout
            == f"{RESULTS / path}: not what its job wrote; kept as {file.name}.damaged and made anew\n"
        )

    return edit


EDITS = {
    "nothing": (lambda folder: None, set()),
    "scripts, modules and configuration touched": (
        touched("workflow/scripts/train.py", "src/icnewton/problems/linear.py", CONFIG, "Snakefile"),
        set(),
    ),
    "a comment in a script": (replaced("workflow/scripts/train.py", "with job(", "# a remark\nwith job("), set()),
    "a comment in a module": (replaced("src/icnewton/problems/linear.py", "@dataclass", "# a remark\n@dataclass"), set()),
    "a docstring of the engine": (replaced("src/icnewton/training/engine.py", '"""', '"""Again: '), set()),
    "memory of a rule": (replaced("workflow/rules/train.smk", "mem_mb=4000", "mem_mb=5000"), set()),
    "time between checkpoints": (replaced(CONFIG, "checkpoint_seconds: 30", "checkpoint_seconds: 60"), {"provenance"}),
    "a figure's value": (
        replaced(SMOKE, "algorithms: [newton4], steps: 6", "algorithms: [newton4], steps: 5"),
        {"figure figure9", "provenance"},
    ),
    "a figure's module": (replaced("src/icnewton/figures/headline.py", "figsize=(", "figsize=(1 + "), {"figure headline"}),
    "the style of all figures": (
        replaced("src/icnewton/figures/parts/style.py", '"font.size": 9', '"font.size": 10'),
        figures(*FIGURES),
    ),
    "a recipe's rate": (
        replaced(CONFIG, "learning_rate: 3.0e-3", "learning_rate: 3.1e-3"),
        of_runs("train", LSA) | of_runs("evaluate_model", LSA) | {f"table {LSA}"} | figures("linear") | CLAIMS,
    ),
    "a new kappa": (
        replaced(SMOKE, "kappa: [10]\n    noise", "kappa: [10, 20]\n    noise"),
        {f"{rule} {LSA}/{run}".replace("kappa10", "kappa20") for rule in ("train", "evaluate_model") for run in FIRST}
        | {f"{rule} {LSA}".replace("kappa10", "kappa20") for rule in ("data", "evaluate_references", "table")}
        | CLAIMS,
    ),
    "the evaluation's seed": (
        replaced(SMOKE, "seed: 0}", "seed: 1}"),
        DATA | EVALUATED | REFERENCES | BUILT | TABLES | figures("linear", "ln", "logistic") | CLAIMS,
    ),
    "a training's seed": (
        replaced(SMOKE, "seeds: [0]", "seeds: [1]"),
        {f"{rule} {LSA}/{run}".replace("seed0", "seed1") for rule in ("train", "evaluate_model") for run in FIRST}
        | {f"table {LSA}"} | figures("linear") | CLAIMS,
    ),
    "the sampler of logistic prompts": (
        replaced("src/icnewton/problems/logistic.py", "def sample_logistic", "ONE = 1\n\n\ndef sample_logistic"),
        DATA | TRAINED | EVALUATED | REFERENCES | BUILT | TABLES | {"check_damped_newton"} | figures("linear", "ln", "logistic")
        | (figures("built") - {"figure figure10"}) | CLAIMS,
    ),
    "the training's schedule": (
        replaced("src/icnewton/training/schedule.py", "0.5 *", "0.25 * 2 *"),
        TRAINED | EVALUATED | TABLES | figures("linear", "ln", "logistic") | CLAIMS,
    ),
    "what a model says of its domain": (
        replaced("src/icnewton/domains/learned.py", "MARGIN = 1.25", "MARGIN = 1.5"),
        set(),
    ),
    "a construction": (
        replaced("src/icnewton/constructions/least_squares.py", "def build_", "ONE = 1\n\n\ndef build_"),
        {f"construct {LSA}/newton2", f"construct {LSA}/chebyshev", f"evaluate_built {LSA}", "check_constructions"}
        | {f"evaluate_references {LSA}", f"evaluate_references {LN}", f"table {LSA}", f"table {LN}", "evaluate_diabetes"}
        | figures("linear", "ln") | CLAIMS,
    ),
    "a function of Appendix E.1": (
        replaced("src/icnewton/theory/decrease.py", "import", "ONE = 1\nimport"),
        {"decrease", "figure figure10"} | CLAIMS,
    ),
    "an output deleted": (
        deleted(f"tables/{LSA}.csv"),
        {f"table {LSA}", "figure figure2", "figure headline"},
    ),
    "weights corrupted": (
        corrupted(f"{MODEL}/weights.safetensors"),
        {f"train {LSA}/lsa_layers2_seed0", f"evaluate_model {LSA}/lsa_layers2_seed0", f"table {LSA}"}
        | figures("linear") | CLAIMS,
    ),
    "a figure corrupted": (corrupted("figures/figure2.png"), {"figure figure2"}),
}  # fmt: skip


PLAN = "import json; from workflow.status import plan; print(json.dumps([j.name for j in plan(['--config', 'scale=smoke'])]))"


def planned(folder):
    result = subprocess.run(
        [sys.executable, "-c", PLAN],
        cwd=folder,
        env=environment_of(folder),
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_exactly_what_it_touches(finished, edit):
    change, wanted = EDITS[edit]
    with restored(finished[1]):
        change(finished[1])
        found = planned(finished[1])
    assert len(found) == len(set(found)) and set(found) == wanted


def test_status_says_it_in_words(finished):
    folder = finished[1]
    command = [sys.executable, "-m", "workflow.status", "smoke"]

    def status():
        return subprocess.run(
            command,
            cwd=folder,
            env=environment_of(folder),
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout

    whole = status().splitlines()
    assert whole[0] == "models: 7 trained here."
    assert re.fullmatch(r"results/smoke: \d+ files are there and what their jobs wrote\.", whole[1])
    assert whole[2:] == ["Nothing is missing, changed or interrupted; a run would do nothing."]
    with restored(folder):
        (folder / RESULTS / MODEL / "weights.safetensors").unlink()
        missing = status()
        replaced(CONFIG, "learning_rate: 3.0e-3", "learning_rate: 3.1e-3")(folder)
        changed = status()
    assert "missing: 1 train\n" in missing and "its checkpoint stands at step 60 of 60" in missing
    assert "missing: 1 train\n" in changed and "checkpoint" not in changed
    assert "other settings or code: 2 train\n" in changed
    assert "lsa_layers1_seed0: made with recipe.learning_rate 0.003 and not 0.0031" in changed
    assert "following from these: " in changed and "1 provenance" in changed
    assert re.search(
        r"A run would do 14 jobs, about \d+ (s|min) on \d+ cores if they are all busy\.", changed
    )


def test_status_foresees_what_is_set_aside(finished):
    folder = finished[1]
    with restored(folder):
        (folder / RESULTS / "figures/figure2.png").write_bytes(b"scribble")
        command = [sys.executable, "-m", "workflow.status", "smoke"]
        text = subprocess.run(
            command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8"
        ).stdout
    assert "figures/figure2.png: not what its job wrote" in text
    assert (
        "damaged, to be kept under another name and made anew: 1 figure" in text
        and "A run would do 1 job, about" in text
    )


def test_results_without_notes_on_how_they_were_made_are_not_trusted(finished):
    folder = finished[1]
    with restored(folder):
        shutil.rmtree(folder / ".snakemake/metadata")
        result = subprocess.run(
            [sys.executable, "-m", "icnewton.pipeline.records", "set-aside", str(RESULTS)],
            cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8",
        )  # fmt: skip
    assert result.returncode == 1 and result.stderr.startswith(
        f"{RESULTS}: expected Snakemake's notes of how it was made"
    )
