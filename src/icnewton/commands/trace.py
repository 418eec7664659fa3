"""What a file was made from, down to the seeds, as a tree."""

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icnewton.commands import Command
from icnewton.commands.parts.screen import duration, show, show_json

if TYPE_CHECKING:
    from rich.tree import Tree

    from icnewton.pipeline.records import Lineage, Record

# the settings that a line shows, in this order; --json has all
SHOWN = (
    "kind", "name", "family", "layers", "problem", "protocol", "kappa", "noise", "mu", "d", "n",
    "covariances", "prompts", "steps", "batch", "learning_rate", "order", "scalars", "error",
)  # fmt: skip


def arguments(parser: ArgumentParser) -> None:
    """The file."""
    parser.add_argument("file", metavar="FILE", help="a file in a folder of results")
    parser.add_argument("--json", action="store_true", help="the whole record of every job")


def run(options: Namespace) -> bool:
    """Print the tree, or all records."""
    from icnewton.pipeline.records import lineage

    if not options.file:
        raise ValueError(
            "FILE: expected a file such as results/laptop/claims/claims.csv, found none"
        )
    found = lineage(Path(options.file))
    if options.json:
        show_json({"file": found.name, "jobs": [vars(record) for record in found.jobs()]})
    else:
        show(tree(found))
    return True


def tree(found: "Lineage") -> "Tree":
    """A line for each job, its inputs below it; a job that is met again is not spelled out."""
    from rich.tree import Tree

    root = Tree(line([found.name], found.made), guide_style="dim")
    told: set[int] = set()

    def grow(branch: Tree, record: "Record") -> None:
        told.add(id(record))
        for line_ in given(record.given):
            branch.add(line_)
        for names, parent in found.parents(record):
            known = id(parent) in told
            child = branch.add(f"{files(names)}  see above" if known else line(names, parent))
            if not known:
                grow(child, parent)

    grow(root, found.made)
    return root


def line(names: list[str], record: "Record") -> str:
    """Files, how long their job took, the settings that matter, and its seeds."""
    values = dict(leaves(record.params))
    settings = " ".join(f"{name}={values[name]}" for name in SHOWN if name in values)
    words = [files(names), record.rule, duration(record.seconds), settings, seeds(record.params)]
    return "  ".join(filter(None, words))


def files(names: list[str]) -> str:
    """One file by its name, several by their folder."""
    if len(names) == 1:
        return names[0]
    return f"{os.path.commonpath(names)}/ ({len(names)} files)"


def leaves(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every plain value with its key, however deep, without lists, null and sentences."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from leaves(inner)
        elif isinstance(inner, int | float) or (isinstance(inner, str) and " " not in inner):
            yield key, f"{inner:g}" if isinstance(inner, float) else inner


def seeds(params: Mapping[str, Any]) -> str:
    """The seeds among some settings, in words; empty if there are none."""
    found = {value for key, value in leaves(params) if key == "seed"}
    found |= set(dict(params.get("seeds", {})).values())
    return f"seed {', '.join(map(str, sorted(found)))}" if found else ""


def given(digests: Mapping[str, str]) -> Iterator[str]:
    """A line for each folder of files that the checkout gave, such as a released model."""
    from icnewton.pipeline.records import digest_of

    folders: dict[Path, list[Path]] = {}
    for name in digests:
        folders.setdefault(Path(name).parent, []).append(Path(name))
    for folder, paths in folders.items():
        states = [digest_of(path) for path in paths]
        if None in states:
            yield f"{folder}  given; it is not here now"
        elif states != [digests[str(path)] for path in paths]:
            yield f"{folder}  given; another one is here now"
        else:
            yield f"{folder}  given{trained(folder / 'card.json')}"


def trained(card: Path) -> str:
    """How a released model was trained, in words; empty if there is no card that says so."""
    try:
        origin = json.loads(card.read_text(encoding="utf-8"))["origin"]
        recipe, seed = origin["run"]["recipe"], origin["run"]["seed"]
        took = duration(origin["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return f"; trained in {took}  steps={recipe['steps']} batch={recipe['batch']}  seed {seed}"


ENTRIES = {
    "trace": Command(
        says="Show what a file was made from, down to the seeds.",
        examples=("results/laptop/figures/figure2.png", "results/laptop/claims/claims.csv --json"),
        arguments=arguments,
        run=run,
    )
}
