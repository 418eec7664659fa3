"""The modules that each job of the smoke scale really imported are those that its digest of code
covers.
"""

from pathlib import Path

import pytest
from conftest import RESULTS, ROOT

from icnewton.claims import claim_modules
from icnewton.digest import imports_of, reached, script_digest
from icnewton.pipeline import entries
from icnewton.pipeline.records import read_records
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.parse import parse_condition
from icnewton.training.runs import parse_run

KEEPING = reached("icnewton.pipeline.records")  # of job.py, which changes no result
DOMAINS = reached("icnewton.domains")  # what a model says of its prompts changes no answer


def script_of(rule):
    name = "construct" if rule.startswith("construct_") else rule
    return ROOT / f"workflow/scripts/{name}.py"


def named(record):
    """The entries that a job names in its params."""
    params, found = record.params, []
    if "condition" in params:
        found += entries.of_condition(parse_condition(params["condition"]))
    if "run" in params:
        found += entries.of_run(parse_run(params["run"]))
    if record.rule in ("evaluate_learned", "probe", "respond", "decode", "transfer", "diabetes"):
        families = {name.split("/")[1].split("_layers")[0] for name in params["folders"]}
        found += [m for name in families for m in entries.of_family(name.split("-")[0])]
    if "algorithms" in params:
        found += entries.of_algorithms(params["algorithms"])
    for family in {params.get("family"), *params.get("families", {}).values()} - {None}:
        found += entries.of_construction(family)
    if record.rule == "diabetes":
        found += entries.of_construction("least_squares")
    if record.rule == "measure":
        found += entries.of_measurement(params["name"])
    if record.rule == "table":
        found.append(PROBLEMS.module(params["problem"]))
    if record.rule == "transfer_table":
        found += [PROBLEMS.module(c["problem"]) for c in params["conditions"].values()]
    if record.rule == "figure":
        found += entries.of_figure(params["spec"]["kind"])
    if record.rule in ("claims", "article"):
        found += claim_modules()
    if record.rule == "claims":
        for facts in params["facts"].values():
            found += entries.of_condition(parse_condition(facts["condition"]))
    return found


@pytest.fixture(scope="module")
def records(finished):
    return read_records(finished[0] / RESULTS)[0]


def test_every_rule_has_run(records):
    found = {record.rule.split("_newton")[0] for record in records}
    assert {
        "data",
        "train",
        "evaluate_learned",
        "probe",
        "respond",
        "decode",
        "transfer",
        "table",
        "figure",
        "claims",
    } <= found
    assert {Path(script_of(record.rule)).exists() for record in records} == {True}


def test_a_digest_covers_what_a_job_imports_and_no_more(records):
    for record in records:
        script, modules = script_of(record.rule), named(record)
        assert record.params["code"] == script_digest(script, *modules), record.rule
        covered = reached(*imports_of(script), *modules)
        imported = set(record.modules)
        asks_domains = "icnewton.domains" in imported
        missed = imported - covered - KEEPING - (DOMAINS if asks_domains else set())
        assert not missed, (record.rule, missed)
        assert not covered - imported, (record.rule, covered - imported)
