"""Released models are what the scale paper asks for, found by settings, and can be retrained."""

import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
import torch
from conftest import RESULTS, ROOT, clone, environment_of, snakemake
from workflow.released import TABLE
from workflow.retrain import retrain
from workflow.train_released import released_runs, stacks

import icnewton
from icnewton.models.weights import save
from icnewton.pages.words import number
from icnewton.pipeline.released import RELEASED, Supply, find
from icnewton.training.loop import train
from icnewton.training.runs import parse_run

FOLDERS = sorted(card.parent for card in (ROOT / RELEASED).glob("*/*/card.json"))
MEGABYTES = 60


def name_of(folder):
    return str(folder.relative_to(ROOT / RELEASED))


def test_released_models_are_those_of_the_paper_s_scale():
    runs = released_runs()
    assert FOLDERS and {name_of(folder) for folder in FOLDERS} <= runs.keys()
    for folder in FOLDERS:
        assert find(name_of(folder), runs[name_of(folder)], ROOT / RELEASED) == folder
        assert {path.name for path in folder.iterdir()} == {"card.json", "weights.safetensors"}
    files = [path for path in (ROOT / RELEASED).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MEGABYTES * 10**6


@pytest.mark.parametrize("folder", FOLDERS[:: max(len(FOLDERS) // 12, 1)], ids=name_of)
def test_a_released_card_says_how_it_was_trained(folder):
    card = icnewton.load(folder).card
    assert card.dtype == "float32" and card.kind == "learned"
    assert card.origin["seconds"] > 0 and card.origin["final_loss"] > 0 and card.origin["device"]
    run = parse_run(card.origin["run"])
    assert (
        run.recipe.steps
        and run.recipe.batch
        and run.condition.protocol
        and card.depth == run.layers
    )


def test_the_table_lists_every_model_and_what_is_missing():
    lines = (ROOT / TABLE).read_text(encoding="utf-8").splitlines()
    listed, missing = (
        {line.split("`")[1] for line in lines if line.startswith(mark)} for mark in ("| `", "- `")
    )
    assert listed == {name_of(folder) for folder in FOLDERS}
    assert missing == released_runs().keys() - listed


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_released_model_trains_again_to_the_same_bytes(one_thread, tmp_path):
    comparison = retrain(
        ROOT / RELEASED / "bounded_kappa10_mu0.1/softmax_layers1_seed0", "cpu", tmp_path
    )
    assert {path.name for path in tmp_path.iterdir()} == {"card.json", "weights.safetensors"}
    assert comparison.holds, comparison


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lsa_layers3_seed0", "lsa_ln_layers2_seed0"])
def test_more_released_models_train_again_to_the_same_bytes(name, one_thread, tmp_path):
    comparison = retrain(ROOT / RELEASED / "normalised_kappa10_noise0" / name, "cpu", tmp_path)
    assert comparison.holds, comparison


def test_supply(tmp_path, tiny_run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = replace(parse_run(tiny_run), layers=1)
    other = replace(run, seed=1)
    model, _ = train(run, checkpoint=tmp_path / "checkpoint", code="", say=lambda line: None)
    save(model, RELEASED / "here/lsa_layers1_seed0")
    runs = {"here/lsa_layers1_seed0": run, "here/lsa_layers1_seed1": other}

    def parts(training, device="cpu"):
        supply = Supply.of(runs, training, device)
        return [
            sorted(name[-1] for name in part)
            for part in (supply.released, supply.trained, supply.missing)
        ]

    assert parts("all") == [[], ["0", "1"], []]
    assert parts("missing") == parts("auto", "cuda") == [["0"], ["1"], []]
    assert parts("none") == parts("auto") == [["0"], [], ["1"]]
    assert str(Supply.of(runs, "none", "cpu")) == "1 released, 1 missing"
    changed = {
        "here/lsa_layers1_seed0": replace(run, recipe=replace(run.recipe, learning_rate=0.1))
    }
    assert not Supply.of(changed, "none", "cpu").released
    card = RELEASED / "here/lsa_layers1_seed0/card.json"
    card.write_text(card.read_text(encoding="utf-8")[:200], encoding="utf-8")
    with pytest.raises(
        ValueError,
        match=r"released/here/lsa_layers1_seed0/card.json: expected the card of a learned model",
    ):
        Supply.of(runs, "none", "cpu")


def test_stacks_hold_alike_runs_cheapest_first():
    runs = {name: run for name, run in released_runs().items() if "lsa_ln" in name}
    together = [*stacks({f"unreleased/{name}": run for name, run in runs.items()}, together=True)]
    assert sorted(name.split("/", 1)[1] for stack in together for name in stack) == sorted(runs)
    assert all(len({(run.layers, run.recipe) for run in stack.values()}) == 1 for stack in together)
    alone = [*stacks({f"unreleased/{name}": run for name, run in runs.items()}, together=False)]
    layers = [run.layers for stack in alone for run in stack.values() if run.recipe.steps == 2000]
    assert layers == sorted(layers)


@pytest.fixture
def unreleased(tmp_path):
    """A clone whose paper's scale is as small as the smoke scale, with nothing released."""
    folder = clone(tmp_path / "clone")
    shutil.rmtree(folder / RELEASED)
    paper = folder / "workflow/scales/paper.yaml"
    paper.write_text(
        "training: auto\n" + (folder / "workflow/scales/smoke.yaml").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    return folder


def lease(folder, minutes):
    command = [
        sys.executable,
        "-m",
        "workflow.train_released",
        "--device",
        "cpu",
        "--minutes",
        str(minutes),
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    heard = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # tests in the background inherit that it is ignored
    return subprocess.Popen(
        command, cwd=folder, env=environment_of(folder), preexec_fn=heard, **pipes
    )


def leases(folder, minutes, count=1):
    processes = [lease(folder, minutes) for _ in range(count)]
    said = [process.communicate() for process in processes]
    assert not any(process.returncode for process in processes), said
    return [line for out, _ in said for line in out.splitlines() if "make reproduce" not in line]


def test_an_interrupted_lease_keeps_what_it_has(unreleased):
    paper = unreleased / "workflow/scales/paper.yaml"
    longer = paper.read_text(encoding="utf-8").replace(
        "steps: 60, warmup: 10", "steps: 1500, warmup: 10"
    )
    paper.write_text(
        longer, encoding="utf-8"
    )  # so that the last training has not ended when the first is told of
    process = lease(unreleased, 10)
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate()
    count = len([*(unreleased / RELEASED).glob("*/*/card.json")])
    assert ": loss " in first and process.returncode == 0 and "Traceback" not in error
    assert 1 <= count < 7 and f"{count} of 7 models are released" in out
    assert leases(unreleased, 10)[-1] == "7 of 7 models are released, 0 are missing"
    path = next((unreleased / RELEASED).glob("*/*/card.json"))
    card = json.loads(path.read_text(encoding="utf-8"))
    card["origin"]["run"]["recipe"]["learning_rate"] = 0.5
    path.write_text(json.dumps(card), encoding="utf-8")
    process = lease(unreleased, 10)
    error = process.communicate()[1]
    assert process.returncode == 1 and error.endswith(
        "expected the settings of the scale paper, found others; move it away first\n"
    )
    assert json.loads(path.read_text(encoding="utf-8")) == card


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize(
    "command",
    [["train_released"], ["retrain", name_of(FOLDERS[0])]],
    ids=["train_released", "retrain"],
)
def test_a_gpu_that_is_not_there_is_asked_for_in_vain(command):
    words = [sys.executable, "-m", f"workflow.{command[0]}", *command[1:], "--device", "cuda"]
    result = subprocess.run(
        words, cwd=ROOT, env=environment_of(ROOT), capture_output=True, encoding="utf-8"
    )
    assert (
        result.returncode == 1
        and result.stderr == "--device: expected a GPU that torch can use, found none\n"
    )


@pytest.mark.slow
def test_trained_in_leases_and_used_by_the_workflow(finished, unreleased):
    """Nothing released, then all; nothing is trained twice."""
    folder = unreleased
    assert leases(folder, 0) == ["0 of 7 models are released, 7 are missing"]
    said = leases(folder, 0.1, count=2) + leases(folder, 10)
    assert said[-1] == "7 of 7 models are released, 0 are missing"
    assert len([line for line in said if ": loss " in line]) == 7
    assert leases(folder, 10) == said[-1:]
    for model in (folder / RELEASED).glob("*/*/weights.safetensors"):
        assert (
            model.read_bytes()
            == (finished[0] / RESULTS / "train" / model.relative_to(folder / RELEASED)).read_bytes()
        )
    shutil.rmtree(folder / RELEASED / "normalised_kappa10_noise0/lsa_layers2_seed0")
    result = snakemake(folder, scale="paper", device="cpu")
    assert result.returncode == 0, result.stderr
    results, whole = folder / "results/paper", finished[0] / RESULTS
    assert not (results / "train").exists()
    assert "normalised_kappa10_noise0/lsa_layers2_seed0</td>" in (
        results / "provenance.html"
    ).read_text(encoding="utf-8")
    logistic, linear = (
        f"tables/{condition}.csv"
        for condition in ("bounded_kappa10_mu0.1", "normalised_kappa10_noise0")
    )
    assert sorted_rows(pd.read_csv(results / logistic)).equals(
        sorted_rows(pd.read_csv(whole / logistic))
    )
    ours, theirs = (pd.read_csv(path / linear) for path in (results, whole))
    learned = theirs["method"].eq("lsa") & theirs["step"].eq(2)
    pd.testing.assert_frame_equal(sorted_rows(ours), sorted_rows(theirs[~learned]))
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (results / "records").rglob("learned.json")
    ]
    assert records and all(len(record["given"]) >= 2 for record in records)
    planned = snakemake(folder, "-n", scale="paper", device="cpu", training="missing")
    assert re.search(r"^train +1$", planned.stdout + planned.stderr, re.MULTILINE)
    documented(folder)


def documented(folder):
    """What `make released` writes of a clone's results, and refuses to write once a model is not
    the one they show.
    """
    templates = folder / "docs/templates"
    shutil.rmtree(templates)  # they show numbers of the paper's scale
    templates.mkdir()
    condition = "normalised_kappa10_noise0"
    asked = '{{ median("%s", "newton2", 2) }}'
    (templates / "results.md").write_text(asked % condition, encoding="utf-8")
    command = [sys.executable, "-m", "workflow.released"]
    first = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8"
    )
    assert first.returncode == 0, first.stderr
    assert "6 of 7 models" in (folder / TABLE).read_text(encoding="utf-8") and [
        *(folder / "docs/figures").glob("*.png")
    ]
    assert {path.stem for path in (folder / "docs/data").iterdir()} >= {"medians", "claims"}
    shown = (folder / "docs/results.md").read_text(encoding="utf-8").splitlines()[-1]
    rows = pd.read_csv(folder / f"results/paper/tables/{condition}.csv").query(
        "method == 'newton2'"
    )
    assert shown == number(rows.set_index("step")["median"][2])
    (templates / "results.md").write_text(asked % "elsewhere", encoding="utf-8")
    refused = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8"
    )
    assert refused.returncode == 1 and refused.stderr.startswith("docs/data/medians.csv: expected")
    card = next((folder / RELEASED).glob("*/*/card.json"))
    card.write_text(card.read_text(encoding="utf-8") + " ", encoding="utf-8")
    second = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8"
    )
    assert (
        second.returncode == 1
        and "expected it whole, made from what is in released/ now" in second.stderr
    )


def sorted_rows(table):
    return table.sort_values(["method", "step", *table.columns[:2]]).reset_index(drop=True)
