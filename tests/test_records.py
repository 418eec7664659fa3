"""Records: a folder of results is whole and untouched, or every file that is not is named; hostile
records harm nothing.
"""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import RESULTS, environment_of

from icnewton.pipeline.records import UNRECORDED, lineage, read_record, set_aside, verify

TABLE = "tables/normalised_kappa10_noise0.csv"


@pytest.fixture
def results(finished, tmp_path):
    """A copy of finished results, which may lie anywhere."""
    return shutil.copytree(
        finished[0] / RESULTS, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("report.html")
    )


def test_every_file_of_a_finished_run_has_its_record(results):
    whole, problems = verify(results)
    files = [
        path
        for path in results.rglob("*")
        if path.is_file() and path.relative_to(results).parts[0] not in UNRECORDED
    ]
    assert problems == [] and whole == len(files) > 100


def test_every_kind_of_disorder_is_named(results):
    (results / TABLE).write_text("changed", encoding="utf-8")
    (results / "figures/figure2.png").unlink()
    (results / "figures/mine.png").write_text("drawn by hand", encoding="utf-8")
    record = results / "records/train/normalised_kappa10_noise0/lsa_layers1_seed0.json"
    values = json.loads(record.read_text(encoding="utf-8"))
    name = "evaluate/normalised_kappa10_noise0/learned"
    stale = results / f"records/{name}.json"
    old = json.loads(stale.read_text(encoding="utf-8"))
    old["inputs"]["data/normalised_kappa10_noise0.safetensors"] = "0" * 32
    stale.write_text(json.dumps(old), encoding="utf-8")
    record.write_text(json.dumps(values)[:100], encoding="utf-8")
    problems = "\n".join(verify(results)[1])
    for line in (
        f"{results / TABLE}: not what its job wrote",
        f"{results / 'figures/figure2.png'}: missing",
        f"{results / 'figures/mine.png'}: no record tells what made it",
        f"{record}: expected a record of a job, found ",
        f"{results / name}.parquet: made from another data/normalised_kappa10_noise0.safetensors "
        "than the one that is there",
        "train/normalised_kappa10_noise0/lsa_layers1_seed0/card.json: no record tells what made it",
    ):
        assert line in problems


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": {"../../outside": "0"}},
        {"outputs": {"/etc/passwd": "0"}},
        {"inputs": {"a\0b": "0"}},
        {"outputs": {"x": 5}},
        {"seconds": "long"},
        {"params": None},
        {"more": 1},
    ],
)
def test_a_hostile_record_is_refused_and_touches_nothing(results, change):
    outside = results.parent / "outside"
    outside.write_text("mine", encoding="utf-8")
    path = results / "records/claims.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"claims\.json: expected a record of a job, found"):
        read_record(path)
    lines = list(set_aside(results))
    assert lines[0].endswith("; deleted") and outside.read_text(encoding="utf-8") == "mine"
    assert (
        all("claims/" in line and line.endswith("made anew") for line in lines[1:])
        and len(lines) > 5
    )


def test_a_figure_is_traced_to_its_seeds(results):
    found = lineage(results / "figures/figure2.png")
    jobs = {job.name: job for job in found.jobs()}
    assert (found.name, found.made.name) == ("figures/figure2.png", "figure figure2")
    training = jobs["train normalised_kappa10_noise0 lsa_layers2_seed0"]
    assert training.params["run"]["seed"] == 0
    assert training.params["run"]["condition"]["kappa"] == 10
    assert jobs["data normalised_kappa10_noise0"].params["evaluation"]["seed"] == 0
    with pytest.raises(ValueError, match="found no record of it"):
        lineage(results / "figures/none.png")


def test_a_file_that_is_no_longer_what_its_job_wrote_is_not_traced(results):
    figure = results / "figures/figure2.png"
    figure.write_bytes(b"scribble")
    with pytest.raises(
        ValueError, match=r"figure2\.png: expected what figure figure2 wrote, found another file"
    ):
        lineage(results / "tables/../figures/figure2.png")
    figure.unlink()
    with pytest.raises(
        ValueError, match=r"figure2\.png: expected what figure figure2 wrote, found no file"
    ):
        lineage(figure)


def test_the_commands_end_in_words(finished):
    def run(*words):
        command = [sys.executable, "-m", "icnewton", *words]
        return subprocess.run(
            command,
            cwd=finished[0],
            env=environment_of(finished[0]),
            capture_output=True,
            encoding="utf-8",
        )

    good = run("verify", str(RESULTS))
    assert good.returncode == 0 and good.stdout.endswith(
        f" files of {RESULTS} are what their jobs wrote, 0 problems\n"
    )
    nothing = run("verify", "results/none")
    assert nothing.returncode == 1
    foreign = run("trace", "README.md")
    assert foreign.returncode == 1 and foreign.stderr.startswith(
        "README.md: expected a file in a folder of results"
    )
    assert "Traceback" not in good.stderr + nothing.stderr + foreign.stderr
