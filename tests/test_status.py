"""`make status` says in words what a run would do, and why."""

import re
import shutil
import subprocess
import sys

from conftest import RESULTS, environment_of, restored
from edits import PACKAGE, replaced
from test_reruns import MODEL


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
        replaced(f"{PACKAGE}/training/recipes/fast.yaml", "rate: 3.0e-3", "rate: 3.1e-3")(folder)
        changed = status()
    assert "missing: 1 train\n" in missing and "its checkpoint stands at step 60 of 60" in missing
    assert "missing: 1 train\n" in changed and "checkpoint" not in changed
    assert "other settings or code: 2 train\n" in changed
    assert "lsa_layers1_seed0: made with recipe.learning_rate 0.003 and not 0.0031" in changed
    assert "following from these: " in changed and "1 provenance" in changed
    assert re.search(
        r"A run would do 22 jobs, about \d+ (s|min) on \d+ cores, ending at \d\d:\d\d", changed
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
        and "A run would do 2 jobs, about" in text
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
