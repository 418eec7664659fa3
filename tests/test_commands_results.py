"""icnewton trace, verify and crate: what a folder of results was made from."""

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import RESULTS
from rocrate.rocrate import ROCrate

from icnewton.commands.crate import inputs_of


def test_trace_draws_a_tree_down_to_the_seeds(asked, finished, monkeypatch):
    monkeypatch.chdir(finished[0])
    code, said, _ = asked("trace", RESULTS / "figures/figure2.png")
    lines = said.splitlines()
    assert code == 0 and re.match(r"figures/figure2\.png  figure  [\d.]+ s", lines[0])
    (training,) = [line for line in lines if "lsa_layers2_seed0" in line and "  train  " in line]
    assert "family=lsa layers=2" in training and training.endswith("seed 0")
    assert any(re.search(r"data/\S+  data  .* kappa=10 .*seed 0$", line) for line in lines)
    records = json.loads(asked("trace", RESULTS / "figures/figure2.png", "--json")[1])
    assert records["file"] == "figures/figure2.png"
    assert {"figure", "table", "train", "data"} & {job["rule"] for job in records["jobs"]} > {
        "train", "data",
    }  # fmt: skip
    assert all(job["params"]["code"] for job in records["jobs"])


def test_verify_sums_up(asked, finished, monkeypatch):
    monkeypatch.chdir(finished[0])
    code, said, _ = asked("verify", RESULTS)
    summary, last = said.splitlines()
    assert code == 0 and last.endswith(f" files of {RESULTS} are what their jobs wrote, 0 problems")
    assert re.match(r"\d+ jobs between \S+ \S+ and \S+ \S+, .* of work on cpu, commit", summary)


@pytest.fixture
def crate(asked, finished, tmp_path):
    """The crate of finished results."""
    out = tmp_path / "crate"
    code, _, complaint = asked("crate", finished[0] / RESULTS, "-o", out, "--by", "Ada Lovelace")
    assert code == 0, complaint
    return out


def test_a_crate_keeps_the_profiles(crate, finished):
    graph = json.loads((crate / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    root = by_id["./"]
    assert len(by_id) == len(graph)
    assert {"name", "description", "datePublished", "license", "mainEntity"} <= root.keys()
    assert {p["@id"].rsplit("/", 2)[-2] for p in root["conformsTo"]} == {
        "process", "workflow", "workflow-ro-crate",
    }  # fmt: skip
    workflow = by_id[root["mainEntity"]["@id"]]
    assert workflow["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    assert by_id[workflow["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    action = by_id[root["mentions"][0]["@id"]]
    assert action["@type"] == "CreateAction" and action["instrument"]["@id"] == "Snakefile"
    assert action["startTime"] < action["endTime"]
    assert by_id[action["agent"]["@id"]] == {
        "@id": "#agent", "@type": "Person", "name": "Ada Lovelace",
    }  # fmt: skip
    for role, slot in (("object", "input"), ("result", "output")):
        parameter = workflow[slot][0]
        assert by_id[parameter["@id"]]["@type"] == "FormalParameter"
        assert all(by_id[x["@id"]]["exampleOfWork"] == parameter for x in action[role])
    records = json.loads(
        (finished[0] / RESULTS / "records/claims.json").read_text(encoding="utf-8")
    )
    written_there = {x["@id"] for x in action["result"]}
    assert {f"{RESULTS}/{name}" for name in records["outputs"]} <= written_there


def references(value):
    if isinstance(value, dict):
        if value.keys() == {"@id"}:
            yield value["@id"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_a_crate_has_every_file_that_it_lists_and_lists_every_file(crate):
    graph = json.loads((crate / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    files = [entity for entity in graph if "File" in entity["@type"]]
    for entity in files:
        content = (crate / entity["@id"]).read_bytes()
        assert entity["contentSize"] == str(len(content))
        assert entity["sha256"] == hashlib.sha256(content).hexdigest()
    there = {str(p.relative_to(crate)) for p in crate.rglob("*") if p.is_file()}
    assert there == {entity["@id"] for entity in files} | {"ro-crate-metadata.json"}
    (root,) = [entity for entity in graph if entity["@id"] == "./"]
    assert {part["@id"] for part in root["hasPart"]} == {entity["@id"] for entity in files}
    known = {entity["@id"] for entity in graph}
    outside = {"https://w3id.org/ro/crate/1.1", "https://doi.org/10.1093/bioinformatics/bts480"}
    for identifier in references(graph):
        assert identifier in known or identifier.startswith("https://"), identifier
    assert outside - known <= set(references(graph))
    again = ROCrate(str(crate))
    assert again.mainEntity.id == "Snakefile" and len(again.get_by_type("CreateAction")) == 1


def test_a_crate_of_damaged_results_is_refused(asked, finished, tmp_path):
    figure = finished[1] / RESULTS / "figures/figure2.png"
    before = figure.read_bytes()
    figure.write_bytes(b"scribble")
    try:
        code, _, complaint = asked("crate", finished[1] / RESULTS, "-o", tmp_path / "crate")
    finally:
        figure.write_bytes(before)
    assert code == 1 and "figure2.png: not what its job wrote" in complaint
    assert not (tmp_path / "crate").exists()
    code, _, complaint = asked("crate", finished[0] / RESULTS, "-o", tmp_path)
    assert code == 1 and "expected the name of a new folder" in complaint


def test_a_crate_has_every_file_that_its_scale_extends():
    records = [
        SimpleNamespace(rule="provenance", params={"config": {"scale": scale}}, given=[])
        for scale in ("full", "studies/path.yaml")
    ]
    root = Path(__file__).parents[1]
    found = [[str(p.relative_to(root)) for p in inputs_of(root, [record])] for record in records]
    scales = [f"workflow/scales/{name}.yaml" for name in ("paper", "full")]
    assert found[0] == ["config.yaml", *found[0][1:-2], *scales]
    assert found[1] == ["config.yaml", "studies/path.yaml"]
    with pytest.raises(ValueError, match="expected the results of a whole run"):
        inputs_of(root, [])
