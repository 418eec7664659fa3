"""docs/extending.md: its entries, in a copy of the project, do what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, clone, environment_of, made_once, snakemake

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```$", re.M | re.S)
FILES = dict(BLOCK.findall(PAGE))
RESULTS = Path("results/mine")
NORMALISED = "normalised_kappa10_noise0"


def extend(folder):
    """A clone with the page's entries, in which its experiment has run."""
    clone(folder)
    for path, text in FILES.items():
        assert not (folder / path).exists()
        (folder / path).write_text(text, encoding="utf-8")
    result = snakemake(folder, scale="mine.yaml")
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="session")
def extended(tmp_path_factory):
    """The clone, which no test changes."""
    return made_once(tmp_path_factory, "extended", extend)


def table(folder, name):
    return pd.read_csv(folder / RESULTS / f"tables/{name}.csv")


def test_every_registry_has_its_entry_on_the_page():
    assert len(FILES) == 9
    assert sorted(p.split("/")[2] for p in FILES if p.endswith(".py")) == [
        "algorithms", "claims", "constructions", "figures", "models", "problems", "protocols",
    ]  # fmt: skip


def test_a_third_problem_runs_to_its_table_and_figure(extended):
    rows = table(extended, "normalised_kappa10_penalty1")
    assert set(rows["method"]) == {"lsa"} and set(rows["quantity"]) == {"error"}
    medians = rows.set_index("step")["median"]
    assert medians[2] < medians[1] < 1
    assert (extended / RESULTS / "figures/ridge.png").stat().st_size > 10**4


def test_heavy_tailed_prompts_train_other_weights(extended):
    weights = {
        name: (
            extended / RESULTS / f"train/{name}/lsa_layers2_seed0/weights.safetensors"
        ).read_bytes()
        for name in (NORMALISED, "student_kappa10_noise0")
    }
    assert len(set(weights.values())) == 2
    figure = (extended / RESULTS / "figures/heavy_tails.svg").read_text(encoding="utf-8")
    assert "Student" in figure and "heavy ball" in figure


def test_an_algorithm_and_a_construction_have_their_rows(extended):
    rows = table(extended, NORMALISED)
    heavy_ball, descent = (rows[rows["method"] == m] for m in ("heavy_ball", "built_descent"))
    assert (heavy_ball["layers"] == heavy_ball["step"]).all() and heavy_ball["median"].iloc[
        -1
    ] < 0.05
    assert list(descent["layers"]) == [0, 1, 4]
    exact = rows[(rows["method"] == "gradient_descent") & (rows["step"] == 4)]["median"].iloc[0]
    assert exact / 3 < descent["median"].iloc[-1] < 3 * exact


def test_a_looped_family_learns(extended):
    rows = table(extended, NORMALISED)
    looped = rows[rows["method"] == "looped"].set_index("step")["median"]
    assert looped.max() < 0.35  # the answer 0 has a median near 0.45


def test_models_are_tested_on_other_conditions(extended):
    rows = table(extended, "transfer")
    assert set(rows["trained_on"]) == {NORMALISED}
    assert list(dict.fromkeys(rows["tested_on"])) == [
        NORMALISED, "normalised_kappa50_noise0", "student_kappa10_noise0",
        "normalised_kappa10_noise0_d5", "normalised_kappa10_noise0_n20",
    ]  # fmt: skip
    here = rows[rows["tested_on"] == NORMALISED].set_index("step")["median"]
    own = table(extended, NORMALISED)
    own = own[own["method"] == "lsa"].set_index("step")["median"]
    assert (here == own).all()
    assert (extended / RESULTS / "figures/shift.png").exists()
    assert (extended / RESULTS / "figures/best.png").exists()


def test_a_claim_is_judged_and_the_paper_s_do_not_speak_of_other_prompts(extended):
    claims = pd.read_csv(extended / RESULTS / "claims/claims.csv").set_index("claim")
    tails = claims.loc[["tails"]]
    assert set(tails["condition"]) >= {"student_kappa10_noise0"} and "holds" in set(
        tails["verdict"]
    )
    student = claims[claims["condition"] == "student_kappa10_noise0"].drop(index="tails")
    assert set(student["verdict"]) <= {"not applicable"}
    assert not (claims["condition"] == "normalised_kappa10_penalty1").any()


def test_the_tests_of_the_registries_take_the_new_entries(extended):
    names = "student or ridge or heavy_ball or looped or descent or best or quick"
    words = ["tests/test_registries.py", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", names]
    command = [sys.executable, "-m", "pytest", *words]
    result = subprocess.run(
        command, cwd=extended, env=environment_of(extended), capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", result.stdout).group(1)) > 12


def test_nothing_of_the_smoke_scale_names_them(extended):
    """New entries change no job of other experiments: no digest of code, no setting."""
    plan = "from workflow.status import plan; print(len(plan(['--config', 'scale=smoke'])))"
    code = (
        "import json, sys; from icnewton.pipeline.complaints import check;"
        "from icnewton.pipeline.schema import merged; from icnewton.pipeline import entries;"
        "from icnewton.digest import reached;"
        "e = check(merged('smoke')); m = [x for r in e.runs.values() for x in entries.of_run(r)];"
        "print(json.dumps(sorted(reached(*m))))"
    )
    for command in (plan, code):
        result = subprocess.run(
            [sys.executable, "-c", command],
            cwd=extended, env=environment_of(extended), capture_output=True, encoding="utf-8",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    assert not any(word in result.stdout for word in ("student", "ridge", "heavy_ball", "looped"))
