"""The words of `make`: wrong ones are told in a sentence, and none comes from the environment."""

import re
import sys
from pathlib import Path

import pytest
from conftest import RESULTS, ROOT, clone, make, restored

from icnewton.pipeline.schema import schema

FIGURE, TABLE = RESULTS / "figures/figure2.png", RESULTS / "tables/breast_cancer.csv"
REPORT, ARTICLE = RESULTS / "report.html", RESULTS / "index.html"
SCHEMA = schema()


def with_environment(folder):
    """The folder, with this Python's environment as its own."""
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def says(result):
    """The last sentence of a `make` that failed."""
    assert result.returncode != 0 and "Traceback" not in result.stderr
    lines = filter(None, result.stderr.splitlines())
    return [line for line in lines if not line.startswith("make: ***")][-1]


@pytest.mark.parametrize(
    "words, sentence",
    [
        (
            ["status", "scale=smoke"],
            "make status: expected no words but PYTHON VENV SCALE RETRAIN TRAINING, found scale.",
        ),
        (
            ["plan", "ARGS=--forceall"],
            "make plan: expected no words but PYTHON VENV SCALE RETRAIN TRAINING, found ARGS.",
        ),
        (["verify", "FILE=x"], "make verify: expected no words but PYTHON VENV SCALE, found FILE."),
        (
            ["status", "smoke"],
            "make: expected one of reproduce status plan verify trace train-released retrain",
        ),
        (
            ["status", "SCALE=smok"],
            "SCALE: expected one of full laptop paper published smoke, found smok.",
        ),
        (
            ["status", "SCALE="],
            "SCALE: expected one of full laptop paper published smoke, found nothing.",
        ),
        (["status", "SCALE=smoke device=cuda"], "SCALE: expected one of"),
        (["reproduce", "RETRAIN=no"], "RETRAIN: expected one of 0 1, found no."),
        (
            ["reproduce", "TRAINING=some"],
            "TRAINING: expected one of all missing none auto, found some.",
        ),
        (
            ["reproduce", "RETRAIN=1", "TRAINING=none"],
            "RETRAIN=1: expected no TRAINING but all, found none.",
        ),
        (["status", "VENV=my env"], "VENV: expected one path without ~ : ' \", found env."),
        (["status", "VENV=~/env"], "VENV: expected one path without ~ : ' \", found ~."),
        (["status", "VENV="], "VENV: expected one path without ~ : ' \", found nothing."),
    ],
)
def test_a_word_that_means_nothing_is_refused_before_anything_happens(words, sentence):
    assert sentence in says(make(ROOT, *words))


def test_make_runs_in_its_own_folder(tmp_path):
    assert f"make: expected to run in the folder of its Makefile, found {tmp_path}." in says(
        make(tmp_path, "-f", str(ROOT / "Makefile"), "status")
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["RETRAIN=1"],
        *([f"TRAINING={value}"] for value in SCHEMA["properties"]["training"]["enum"]),
    ],
)
def test_every_training_of_the_schema_is_a_word(words):
    said = make(ROOT, "-n", "status", *words).stdout
    training = {"RETRAIN=1": "training=all"}.get("".join(words), "".join(words).lower())
    assert said.split() == [
        '".venv/bin/python"',
        "-m",
        "workflow.status",
        "laptop",
        *([training] if training else []),
    ]


def test_no_word_is_taken_from_the_environment():
    names = ["PYTHON", "VENV", "SCALE", "RETRAIN", "TRAINING", "FILE", "MODEL", "MINUTES", "ARGS"]
    for goal in ("reproduce", "plan", "verify", "test", "retrain", "train-released", "trace"):
        here = make(ROOT, "-n", goal, **dict.fromkeys(names, "nonsense"))
        assert here.returncode == 0 and "nonsense" not in here.stdout, here.stderr


def test_clean_removes_no_folder_but_an_environment():
    assert make(ROOT, "-n", "clean", "VENV=src").stdout.split()[-1] == ".snakemake"


@pytest.fixture
def told(tmp_path):
    """A function that tells the variables of what `make bench` would run."""
    folder = clone(tmp_path / "it's a clone")
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nenv; echo "words=$*"\n', encoding="utf-8")
    python.chmod(0o755)

    def variables(*words, **environment):
        lines = make(folder, "bench", *words, **environment).stdout.splitlines()
        return folder, dict(line.split("=", 1) for line in lines if "=" in line)

    return variables


def test_variables_of_python_stay_out(told):
    wild = [f"PYTHON{name}" for name in ("PATH", "HOME", "SAFEPATH", "OPTIMIZE", "WARNINGS")]
    folder, found = told(**dict.fromkeys(wild, "1"), SNAKEMAKE_OUTPUT_CACHE="/cache")
    assert found["PYTHONPATH"] == f"{folder}/src" and found["SNAKEMAKE_OUTPUT_CACHE"] == "/cache"
    assert {name for name in found if name.startswith("PYTHON")} == {
        "PYTHONPATH",
        "PYTHONNOUSERSITE",
        "PYTHONUTF8",
    }


def test_a_make_within_make_inherits_no_words(told):
    _, found = told("ARGS=--device cuda")
    assert found["words"] == "-m bench.run --device cuda"
    assert "ARGS" not in found.get("MAKEFLAGS", "")


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["verify"], "results/laptop: expected results of make reproduce, found none"),
        (["trace"], "FILE: expected a file such as results/laptop/claims/claims.csv, found none"),
        (
            ["trace", "FILE=it's"],
            "it's: expected a file in a folder of results, found no records above it",
        ),
        (["train-released", "MINUTES=nan"], "MINUTES: expected a number, at least 0, found 'nan'"),
        (["train-released", "MINUTES=-1"], "MINUTES: expected a number, at least 0, found '-1'"),
        (["train-released", "MINUTES="], "MINUTES: expected a number, at least 0, found ''"),
        (["retrain"], "MODEL: expected one of "),
        (
            ["retrain", f"MODEL={ROOT}/released/normalised_kappa10_noise0/lsa_layers1_seed0"],
            "MODEL: expected one of ",
        ),
    ],
)
def test_a_missing_or_wrong_value_is_told_in_one_sentence(tmp_path, words, sentence):
    result = make(with_environment(clone(tmp_path / "clone")), *words)
    assert says(result).startswith(sentence) and result.stderr.count("\n") == 2


def test_a_dry_run_changes_nothing_and_foresees_what_would_be_set_aside(finished):
    with restored(finished[1]):
        folder = with_environment(finished[1])
        (folder / FIGURE).write_bytes(b"scribble")
        before = sorted(folder.rglob("results/**/*"))
        result = make(folder, "reproduce", "SCALE=smoke", "ARGS=-n")
        assert result.returncode == 0, result.stderr
        assert sorted(folder.rglob("results/**/*")) == before
        assert (folder / FIGURE).read_bytes() == b"scribble"
        assert re.search("^figure +1$", result.stdout, re.MULTILINE)


def test_a_target_is_made_without_a_report_and_a_whole_run_with_one(finished):
    with restored(finished[1]):
        folder = with_environment(finished[1])
        (folder / TABLE).unlink()
        part = make(folder, "reproduce", "SCALE=smoke", f"ARGS={TABLE}")
        assert part.returncode == 0 and (folder / TABLE).exists(), part.stderr
        assert part.stdout.endswith("part of the results, so that no report was made\n")
        assert not (folder / REPORT).exists()
        whole = make(folder, "reproduce", "SCALE=smoke", "ARGS=--cores 2")
        assert whole.returncode == 0 and whole.stdout.endswith(f"{folder / ARTICLE}\n"), (
            whole.stderr
        )
        assert Path(folder / REPORT).stat().st_size > 10**6
