"""Full disks, second runs, kills, divergence: nothing half-written, nothing lost, and one plain run
mends it.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import RESULTS, clone, environment_of, snakemake
from kills import checkout, rounds
from slurm_cluster import wait_until

from icnewton.files import try_lock, write_atomically
from icnewton.pipeline.records import AT_WORK, RUNNING, verify

MODEL = RESULTS / "train/normalised_kappa10_noise0/lsa_layers2_seed0"


def test_a_full_disk_leaves_no_half_written_file(tmp_path):
    """A limit on the size of files stands for the full disk: writing fails in the middle of the
    checkpoint.
    """
    folder = clone(tmp_path / "folder")
    scale = folder / "workflow/scales/smoke.yaml"
    scale.write_text(
        scale.read_text(encoding="utf-8").replace(
            "width: 8, heads: 2, head_dim: 4}", "width: 64, heads: 4, head_dim: 16}", 1
        ),
        encoding="utf-8",
    )
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--config",
        "scale=smoke",
        "--",
        f"{MODEL}/weights.safetensors",
    ]
    full = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )  # fmt: skip
    assert full.returncode != 0 and "train: " in full.stderr and "File too large" in full.stderr
    assert "Traceback" not in full.stderr
    assert {path.suffix for path in (folder / RESULTS).rglob("*") if path.is_file()} == {".log"}
    again = snakemake(folder, "--", f"{MODEL}/weights.safetensors")
    assert again.returncode == 0, again.stderr
    assert verify(folder / RESULTS)[1] == []


def test_the_last_words_on_a_disk_without_any_room_are_one_sentence(tmp_path):
    folder = clone(tmp_path / "folder")
    script = folder / "workflow/scripts/measure.py"
    script.write_text(
        script.read_text(encoding="utf-8").replace(
            "with job(snakemake) as say:\n",
            "with job(snakemake) as say:\n    raise OSError(28, 'No space')\n",
        ),
        encoding="utf-8",
    )
    helper = folder / "workflow/scripts/job.py"
    helper.write_text(
        helper.read_text(encoding="utf-8").replace('log.open("a"', 'Path("/dev/full").open("a"'),
        encoding="utf-8",
    )
    result = snakemake(folder, "--", f"{RESULTS}/measurements/decrease.parquet")
    assert result.returncode != 0 and "measure: [Errno 28] No space (details in " in result.stderr
    assert "Traceback" not in result.stderr


def test_what_a_killed_writer_left_is_swept_away(tmp_path):
    writer = (
        "import os, signal, sys; from pathlib import Path;"
        "from icnewton.files import write_atomically;"
        "write_atomically(Path(sys.argv[1]),"
        " lambda p: (p.write_text('half'), os.kill(os.getpid(), signal.SIGKILL)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", writer, str(tmp_path / "table.csv")]).returncode == -9
    )
    assert len(list(tmp_path.iterdir())) == 1
    write_atomically(
        tmp_path / "table.csv", lambda part: part.write_text("whole", encoding="utf-8")
    )
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_second_run_is_refused_in_one_sentence(finished):
    folder = finished[1]
    held = try_lock(folder / RUNNING)
    (folder / RESULTS / "provenance.html").unlink()
    second = snakemake(folder)
    plan = snakemake(folder, "--dry-run")
    held.close()
    assert second.returncode != 0 and AT_WORK in second.stderr and "Traceback" not in second.stderr
    assert plan.returncode == 0  # looking is allowed
    assert snakemake(folder).returncode == 0 and verify(folder / RESULTS)[1] == []


def test_a_job_waits_for_one_that_outlived_its_run(tmp_path):
    folder = clone(tmp_path / "folder")
    held = try_lock(
        folder / RESULTS / "records/train/normalised_kappa10_noise0/lsa_layers2_seed0.lock"
    )
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--config",
        "scale=smoke",
        "--",
        f"{MODEL}/weights.safetensors",
    ]
    words = tmp_path / "words"
    with words.open("w", encoding="utf-8") as terminal:
        run = subprocess.Popen(
            command, cwd=folder, env=environment_of(folder), stdout=terminal, stderr=terminal
        )
    wait_until(
        lambda: (
            "train: another process is at this job; waiting for it"
            in words.read_text(encoding="utf-8")
        ),
        60,
    )
    assert run.poll() is None and not (folder / MODEL / "weights.safetensors").exists()
    held.close()
    assert run.wait(60) == 0 and (folder / MODEL / "weights.safetensors").exists()
    assert not list((folder / RESULTS).rglob("*.lock"))


@pytest.mark.slow
def test_the_rest_goes_on_without_a_training_that_diverges(tmp_path):
    folder = clone(tmp_path / "folder")
    scale = folder / "workflow/scales/smoke.yaml"
    wild = "set: {learning_rate: 1.0e+6, gradient_clip: 1.0e+9, steps: 60"
    scale.write_text(
        scale.read_text(encoding="utf-8").replace("set: {steps: 60", wild, 1), encoding="utf-8"
    )
    result = snakemake(folder)
    assert result.returncode == 0, result.stderr
    assert f"{MODEL} diverged: mean loss" in result.stderr
    diverged = json.loads((folder / MODEL / "card.json").read_text(encoding="utf-8"))["origin"][
        "diverged"
    ]
    assert "in the steps up to" in diverged
    table = pd.read_csv(folder / RESULTS / "tables/normalised_kappa10_noise0.csv")
    assert (table.loc[table["method"] == "lsa", "diverged"] == 1).all() and not table.loc[
        table["method"] != "lsa", "diverged"
    ].any()
    assert "with 1 and 2 layers (diverged" in (folder / RESULTS / "figures/figure2.svg").read_text(
        encoding="utf-8"
    )
    claims = pd.read_csv(folder / RESULTS / "claims/claims.csv").astype(str)
    lost = claims[claims["where"].str.contains("diverged")]
    assert len(lost) and (lost["verdict"] == "not tested at this scale").all()
    assert verify(folder / RESULTS)[1] == []


@pytest.mark.slow
def test_three_kills_cost_nothing(tmp_path):
    for kill in rounds(checkout(Path(tmp_path / "folder")), range(100, 103)):
        assert (kill.recovery, kill.differing, kill.problems) == (0, 0, ""), kill
