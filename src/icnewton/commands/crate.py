"""A folder of results as a Workflow Run RO-Crate: data, workflow and the run that made the data.

The crate conforms to RO-Crate 1.1 and the profiles Process Run Crate 0.5, Workflow Run Crate 0.5
and Workflow RO-Crate 1.0, https://www.researchobject.org/workflow-run-crate.
"""

import hashlib
import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icnewton.commands import Command

if TYPE_CHECKING:
    from icnewton.pipeline.records import Record

WFRUN = "https://w3id.org/ro/wfrun"
PROFILES = {
    f"{WFRUN}/process/0.5": ("Process Run Crate", "0.5"),
    f"{WFRUN}/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
TERMS = "https://w3id.org/ro/terms/workflow-run/context"  # sha256 among them
WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
LICENSE = "https://spdx.org/licenses/MIT"
PAPER = "https://arxiv.org/abs/2403.03183"
CODE = ("workflow/rules/*.smk", "workflow/scripts/*.py", "src/icnewton/**/*.py")


def arguments(parser: ArgumentParser) -> None:
    """The results and the crate."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder of results")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="CRATE", help="a new folder"
    )
    parser.add_argument("--by", metavar="NAME", help="who ran the workflow")


def run(options: Namespace) -> bool:
    """Write the crate, whole or not at all."""
    from icnewton.pipeline.records import read_records, verify

    folder, output = options.folder.resolve(), options.output.expanduser().resolve()
    if output.exists():
        raise ValueError(f"{options.output}: expected the name of a new folder, found one there")
    if output.is_relative_to(folder):
        raise ValueError(f"{options.output}: expected a place outside the results, found one there")
    whole, problems = verify(folder)
    if not whole or problems:
        found = problems[0] if problems else "none"
        raise ValueError(f"{options.folder}: expected results that are whole, found {found}")
    crate = describe(folder, checkout_of(folder), read_records(folder)[0], options.by)
    part = output.with_name(f".{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        crate.write(part)
        part.replace(output)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(f"{options.output}: {len(crate.get_by_type('File'))} files of a Workflow Run RO-Crate")
    return True


def checkout_of(folder: Path) -> Path:
    """The checkout around a folder of results; raises ValueError if there is none."""
    for parent in folder.parents:
        if (parent / "Snakefile").is_file() and (parent / "config.yaml").is_file():
            return parent
    raise ValueError(f"{folder}: expected results inside their checkout, found no Snakefile above")


def describe(folder: Path, checkout: Path, records: Sequence["Record"], by: str | None) -> Any:
    """The crate of a run.

    Its root has every file; the run is a CreateAction from what the workflow was given to what its
    jobs wrote. Raises ValueError if something that it was given is there no more.
    """
    crate = _rocrate()(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    began, ended = span(records)
    _tell_root(crate, folder, ended)
    workflow = _workflow(crate, checkout, records)
    given = _parameter(crate, "given", "configuration and released models that the jobs read")
    made = _parameter(crate, "results", "files that the jobs wrote")
    workflow["input"], workflow["output"] = [given], [made]

    inputs = inputs_of(checkout, records)
    outputs = [folder / name for record in records for name in record.outputs]
    objects = [_add(crate, checkout, path, exampleOfWork=given) for path in dict.fromkeys(inputs)]
    results = [_add(crate, checkout, path, exampleOfWork=made) for path in dict.fromkeys(outputs)]
    for path in sorted((folder / "records").rglob("*.json")):
        _add(crate, checkout, path, description="what made a job's files")
    for path in (path for pattern in CODE for path in sorted(checkout.glob(pattern))):
        _add(crate, checkout, path)
    action = crate.add_action(
        workflow,
        identifier="#run",
        object=objects,
        result=results,
        properties={
            "name": f"make reproduce SCALE={folder.name}",
            "startTime": began.isoformat(),
            "endTime": ended.isoformat(),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    action["agent"] = _agent(crate, records, by)
    crate.root_dataset["mentions"] = [action]
    return crate


def _add(crate: Any, checkout: Path, path: Path, **more: Any) -> Any:
    """Add a file where it lies in the checkout; one from elsewhere lies beside the metadata."""
    place = path.relative_to(checkout) if path.is_relative_to(checkout) else Path(path.name)
    if not path.is_file():
        raise ValueError(f"{place}: expected a file that the run was given, found none")
    return crate.add_file(str(path), str(place), properties=properties_of(path) | more)


def _rocrate() -> Any:
    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        expected = "the package rocrate, which `pip install icnewton[crate]` brings"
        raise ValueError(f"crate: expected {expected}, found none") from None
    return ROCrate


def _tell_root(crate: Any, folder: Path, ended: datetime) -> None:
    """What the crate is, and the profiles that it keeps."""
    crate.name = f"In-context Newton's method: results of the scale {folder.name}"
    crate.description = f"Tables, figures and claims that reproduce {PAPER}, with all between."
    crate.datePublished = ended
    crate.root_dataset["license"] = _entity(crate, LICENSE, "CreativeWork", name="MIT License")
    crate.root_dataset["conformsTo"] = [
        _entity(crate, identifier, "CreativeWork", name=name, version=version)
        for identifier, (name, version) in PROFILES.items()
    ]


def _workflow(crate: Any, checkout: Path, records: Sequence["Record"]) -> Any:
    """The Snakefile, main entity of the crate, at the commits that ran."""
    path = checkout / "Snakefile"
    versions = sorted({record.versions.get("snakemake", "") for record in records} - {""})
    about = properties_of(path) | {
        "name": "icnewton: reproduction of arXiv 2403.03183",
        "version": ", ".join(dict.fromkeys(record.commit for record in records)),
        "license": {"@id": LICENSE},
        "conformsTo": _entity(crate, WORKFLOW, "CreativeWork", name="ComputationalWorkflow"),
    }
    language = {"lang": "snakemake", "lang_version": ", ".join(versions) or None}
    return crate.add_workflow(str(path), "Snakefile", main=True, properties=about, **language)


def _parameter(crate: Any, name: str, description: str) -> Any:
    """A formal parameter of the workflow."""
    return crate.add_formal_parameter(
        name, "File", identifier=f"#{name}", description=description,
        properties={"multipleValues": True},
    )  # fmt: skip


def _agent(crate: Any, records: Sequence["Record"], by: str | None) -> Any:
    """The person who ran the workflow, and else the software that did."""
    if by:
        return _entity(crate, "#agent", "Person", name=by)
    version = records[-1].versions.get("snakemake", "")
    named = {"name": "Snakemake", "version": version, "url": "https://snakemake.github.io"}
    return _entity(crate, "#snakemake", "SoftwareApplication", **named)


def _entity(crate: Any, identifier: str, kind: str, **properties: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    values = {"@type": kind, **properties}
    return crate.add(ContextEntity(crate, identifier, properties=values))


def properties_of(path: Path) -> dict[str, str]:
    """Name, size and hash of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "contentSize": str(path.stat().st_size), "sha256": digest}


def inputs_of(checkout: Path, records: Iterable["Record"]) -> list[Path]:
    """What the workflow was given: its settings, and what its jobs read that no job made."""
    from icnewton.pipeline.schema import SCALES, overlays

    named = [record.params["config"]["scale"] for record in records if record.rule == "provenance"]
    if not named:
        raise ValueError("FOLDER: expected the results of a whole run, found no provenance")
    is_file = named[0].endswith((".yaml", ".yml"))
    scale = str(checkout / named[0]) if is_file else named[0]
    settings = ["config.yaml", *overlays(scale, checkout / SCALES)]
    given = [name for record in records for name in record.given]
    return [checkout / name for name in (*settings, *given)]


def span(records: Sequence["Record"]) -> tuple[datetime, datetime]:
    """When the first job began and the last one ended."""
    starts = [datetime.fromisoformat(record.started) for record in records]
    lengths = [timedelta(seconds=record.seconds) for record in records]
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    return min(starts), max(ends)


ENTRIES = {
    "crate": Command(
        says="Write a folder of results as a Workflow Run RO-Crate, to archive or to publish.",
        examples=("results/paper -o crate", 'results/paper -o crate --by "Ada Lovelace"'),
        arguments=arguments,
        run=run,
    )
}
