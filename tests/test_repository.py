"""What others read of the repository: citation, changes, continuous integration, configuration."""

import re
import tomllib

import pytest
import yaml
from conftest import ROOT, make
from packaging.specifiers import SpecifierSet

import icnewton
from icnewton.pipeline.schema import schema

# schema 1.2.0 of the Citation File Format
CITED = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi",
    "identifiers", "keywords", "license", "license-url", "message", "preferred-citation",
    "references", "repository", "repository-artifact", "repository-code", "title", "type", "url",
    "version",
}  # fmt: skip
REFERENCE = {
    "abstract", "authors", "collection-title", "conference", "doi", "end", "journal", "month",
    "start", "title", "type", "url", "volume", "year",
}  # fmt: skip
PERSON = {"family-names", "given-names", "name-particle", "name-suffix", "orcid", "affiliation"}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture
def citation():
    return yaml.safe_load(text("CITATION.cff"))


def test_the_citation_is_of_this_version(citation):
    assert str(citation["version"]) == icnewton.__version__


def test_the_citation_has_the_keys_of_its_format(citation):
    assert {"cff-version", "message", "title", "authors"} <= citation.keys() <= CITED
    assert citation["cff-version"] == "1.2.0" and citation["type"] in ("software", "dataset")
    assert citation["license"] == tomllib.loads(text("pyproject.toml"))["project"]["license"]
    assert all(author.keys() <= PERSON or "name" in author for author in citation["authors"])


def test_the_paper_is_cited_with_its_authors(citation):
    paper = citation["preferred-citation"]
    assert {"type", "title", "authors"} <= paper.keys() <= REFERENCE
    assert paper["type"] == "conference-paper" and "2403.03183" in paper["url"]
    assert all({"family-names", "given-names"} <= author.keys() for author in paper["authors"])
    assert all(isinstance(paper[key], int) for key in ("year", "start", "end"))


def test_the_log_of_changes_begins_with_this_version():
    headings = re.findall(r"^## \[?(\S+?)\]?(?: |$)", text("CHANGELOG.md"), re.M)
    assert headings[0] == icnewton.__version__
    kinds = set(re.findall(r"^### (.*)$", text("CHANGELOG.md"), re.M))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def steps():
    jobs = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]
    return [(name, step) for name, job in jobs.items() for step in job["steps"]]


def test_ci_runs_commands_of_make():
    found = [step["run"].split() for _, step in steps() if "run" in step]
    goals = {words[1] for words in found}
    assert all(words[0] == "make" for words in found)
    assert {"lint", "test", "reproduce", "docs"} <= goals
    for words in found:
        if words[1] != "docs" or "docs:" in text("Makefile"):
            result = make(ROOT, "-n", *words[1:])
            assert result.returncode == 0, result.stderr


def test_ci_runs_every_python_that_is_promised():
    jobs = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]
    required = SpecifierSet(tomllib.loads(text("pyproject.toml"))["project"]["requires-python"])
    versions = jobs["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"] and all(map(required.contains, versions))
    assert all(isinstance(version, str) for version in versions)


def test_ci_keeps_the_report():
    used = [step.get("with", {}) for job, step in steps() if job == "report"]
    kept = " ".join(values.get("path", "") for values in used).split()
    assert kept == ["results/smoke/index.html", "results/smoke/report.html"]


def test_every_key_of_the_configuration_is_on_its_page():
    keys = re.findall(r"^\| `(\w+)` \|", text("config/README.md"), re.M)
    assert sorted(keys) == sorted(schema()["properties"])


def test_the_catalog_finds_usage_that_it_knows():
    usage = yaml.safe_load(text(".snakemake-workflow-catalog.yml"))["usage"]
    assert usage.keys() == {"mandatory-flags", "software-stack-deployment"}
    assert usage["mandatory-flags"].keys() == {"desc", "flags"}
    methods = {"conda", "apptainer", "apptainer+conda", "report"}
    assert usage["software-stack-deployment"].keys() == methods
    readme = text("README.md").lower()
    assert "snakemake" in readme and "workflow" in readme
