"""The real Snakefile from end to end at the smallest scale, and partial reruns of
it.
"""

import json
import re

import pandas as pd
import pytest
import yaml
from conftest import RESULTS, ROOT, restored, run_smoke, snakemake
from kills import contents

import icnewton


@pytest.mark.slow
def test_two_folders_get_the_same_bytes(finished, tmp_path):
    run_smoke(tmp_path / "again")
    first, second = map(contents, (finished[0], tmp_path / "again"))
    assert len(first) > 50 and first.keys() == second.keys()
    assert not [name for name in first if first[name] != second[name]]


def test_claims_have_verdicts_and_the_theorems_hold(finished):
    claims = pd.read_csv(finished[0] / RESULTS / "claims/claims.csv")
    assert {
        "L4.1",
        "L4.1s",
        "T4.2",
        "T1.1",
        "T5.1",
        "T5.2",
        "T5.4",
        "E.1",
        "S6a",
        "S6b",
        "S6c",
        "S6d",
        "S6e",
        "S7",
    } <= set(claims["claim"])
    assert set(claims["verdict"]) <= {
        "holds",
        "fails",
        "undecided",
        "not applicable",
        "not tested at this scale",
    }
    proved = ["L4.1", "L4.1s", "T4.2", "T5.1", "T5.2", "T5.4", "E.1", "diabetes", "cancer", "law"]
    rows = claims[claims["claim"].isin([*proved, "first phase"])]
    # one more block of a_i and a few rows: the stream is wider than the paper's
    wider = rows["quantity"].str.startswith("rows of the residual stream")
    assert (rows[~wider]["verdict"] == "holds").all()
    assert (rows[wider]["verdict"] == "fails").all() and wider.any()


def test_models_of_the_workflow_can_be_loaded(finished):
    folders = [path.parent for path in (finished[0] / RESULTS).glob("*/*/*/card.json")]
    kinds = {icnewton.load(folder).card.kind for folder in folders}
    assert kinds == {"built", "learned"}
    learned = next(folder for folder in folders if "lsa_layers2" in folder.name)
    card = json.loads((learned / "card.json").read_text(encoding="utf-8"))
    assert card["origin"]["run"]["layers"] == card["depth"] == 2
    log = pd.read_csv(learned / "log.csv")
    assert (
        list(log.columns) == ["step", "loss", "learning_rate", "gradient_norm", "seconds"]
        and log["step"].iloc[-1] == 60
    )


def jobs(result):
    """Rules and counts of a dry run."""
    lines = (result.stdout + result.stderr).splitlines()
    if "Job stats:" not in lines:
        return {}
    start = lines.index("Job stats:") + 3
    counts = {}
    for line in lines[start:]:
        name, count = line.split()
        if name == "total":
            return counts
        counts[name] = int(count)
    raise AssertionError("a dry run without a total")


def test_nothing_is_left_to_do_and_an_edit_reruns_what_it_touches(finished):
    folder = finished[1]
    assert jobs(snakemake(folder, "-n")) == {}
    path = folder / "workflow/scales/smoke.yaml"
    original = path.read_text(encoding="utf-8")
    path.write_text(
        original.replace("algorithms: [newton4], steps: 6", "algorithms: [newton4], steps: 5"),
        encoding="utf-8",
    )
    assert jobs(snakemake(folder, "-n")).keys() == {"figure", "provenance", "article", "all"}
    path.write_text(
        original.replace(
            "kappa: [10]\n    noise: [0]\n    layers: [1, 2]",
            "kappa: [10]\n    noise: [0]\n    layers: [1, 2, 3]",
        ),
        encoding="utf-8",
    )
    counts = jobs(snakemake(folder, "-n"))
    assert counts["train"] == 1 and counts["evaluate_learned"] == 1 and counts["table"] == 1
    assert "data" not in counts and "construct" not in counts
    path.write_text(original, encoding="utf-8")


def test_every_job_but_a_training_travels_in_a_group_on_a_cluster():
    """A found fault: rules had got other names than those in the profile."""
    rules = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("workflow/rules/*.smk"))
    names = set(re.findall(r"^ *rule (\w+):", rules, re.MULTILINE))
    names |= set(re.findall(r"^use rule \w+ as (\w+)", rules, re.MULTILINE))
    profile = yaml.safe_load(
        (ROOT / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8")
    )
    assert profile["groups"].keys() == names - {"train"}
    assert profile["group-components"].keys() <= {*profile["groups"].values()}


def test_the_report_is_one_file(finished):
    result = snakemake(finished[0], "--report", "report.html")
    assert result.returncode == 0, result.stderr
    text = (finished[0] / "report.html").read_text(encoding="utf-8")
    assert "L4.1s" in text and "data:image/png;charset=utf8;filename=figure2.png;base64" in text
    assert finished[0].joinpath("report.html").stat().st_size > 10**6


def test_a_failing_job_says_why_in_one_sentence(finished):
    folder = finished[1]
    card = folder / RESULTS / "train/normalised_kappa10_noise0/lsa_layers1_seed0/card.json"
    with restored(folder):
        card.write_text(card.read_text(encoding="utf-8")[:100], encoding="utf-8")
        result = snakemake(folder, "--until", "evaluate_learned")
    assert result.returncode != 0
    assert (
        "evaluate_learned:" in result.stderr
        and "card.json: expected a model card in JSON" in result.stderr
    )


def test_captions_are_plain_restructuredtext(finished):
    """A bar in a caption, as in |c|, would ask for a substitution that nobody defines."""
    for caption in (finished[0] / RESULTS / "claims" / "captions").glob("*.rst"):
        assert not re.search(r"(?<!\\)\|", caption.read_text(encoding="utf-8")), caption
