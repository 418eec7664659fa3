"""The figures of an article: pictures, what the paper says, what was found, and where all of it
comes from.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from icnewton.article.matrix import SILENT, anchor_of, summary
from icnewton.article.numbers import Numbers, measured
from icnewton.claims import all_claims
from icnewton.pages.render import blocks, data_uri

WORDS = "figures"  # the folder of templates that hold what is said of a figure
# of figures, by what follows their names
VARIANTS = {
    "authors": "the paper’s own training",
    "normalised": "prompts of one scale",
    "kappa1": "κ = 1",
}
LARGEST_DRAWING = 400_000  # bytes of an SVG that is shown instead of the PNG


@dataclass(frozen=True)
class Bearing:
    """What a claim says at the conditions of a figure."""

    claim: str
    anchor: str
    verdict: str


@dataclass(frozen=True)
class Medians:
    """A table below a figure: medians of methods (rows) after steps or layers (columns)."""

    title: str
    steps: tuple[int, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


@dataclass(frozen=True)
class Shown:
    """A figure as the article shows it; paths are relative to the page."""

    name: str
    title: Markup
    alt: str
    caption: str
    paper: Markup
    found: Markup
    picture: str
    files: Mapping[str, str]
    bearings: tuple[Bearing, ...]
    medians: tuple[Medians, ...]


def shown(
    name: str, spec: Mapping[str, Any], results: Path, numbers: Numbers, folders: Sequence[Path]
) -> Shown:
    """A figure from its specification: kind, caption, conditions, panels, titles, data and code."""
    said = blocks(template_of(name, spec["kind"], folders), spoken(numbers, spec), folders)
    words = {**dict.fromkeys(("title", "paper", "found", "alt"), Markup("")), **said}
    title = words["title"] or Markup(name.replace("_", " ").capitalize())
    if variant := variant_of(name, folders):
        # what was said of the figure itself stands above
        title += f", {VARIANTS.get(variant, variant.replace('_', ' '))}"
        words |= {"paper": Markup(""), "found": words.get(variant, Markup(""))}
    return Shown(
        name=name,
        title=title,
        alt=" ".join(words["alt"].striptags().split()) or spec["caption"],
        caption=spec["caption"],
        paper=words["paper"],
        found=words["found"],
        picture=data_uri(picture_of(results, name)),
        files=files_of(name, spec),
        bearings=tuple(bearings(spec, numbers.claims)),
        medians=tuple(medians(spec, numbers.tables)),
    )


def variant_of(name: str, folders: Sequence[Path]) -> str:
    """What sets a figure apart from the one whose template speaks of it; empty for its own."""
    base, _, variant = name.partition("_")
    known = words_on(folders)
    return variant if base in known and name not in known else ""


def template_of(name: str, kind: str, folders: Sequence[Path]) -> str:
    """The template that speaks of a figure: its own, or that of the figure whose variant it is, or
    that of its kind, or the one for all others.
    """
    present = words_on(folders)
    known = [word for word in (name, name.partition("_")[0], kind) if word in present]
    return f"{WORDS}/{[*known, 'other'][0]}.html"


def words_on(folders: Sequence[Path]) -> set[str]:
    """The figures and kinds that templates speak of."""
    return {path.stem for folder in folders for path in (folder / WORDS).glob("*.html")}


def spoken(numbers: Numbers, spec: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What templates may use: numbers of the results, and a figure's specification."""
    return {
        "of": numbers.of,
        "at_layers": numbers.at_layers,
        "claim": numbers.claim,
        "measured": measured,
        "spec": spec or {},
    }


def picture_of(results: Path, name: str) -> Path:
    """The drawing of a figure, or its picture where the drawing is large."""
    drawing = results / "figures" / f"{name}.svg"
    is_small = drawing.stat().st_size <= LARGEST_DRAWING
    return drawing if is_small else drawing.with_suffix(".png")


def files_of(name: str, spec: Mapping[str, Any]) -> dict[str, str]:
    """What a reader may open: the figure in print quality, its data, its code and its record."""
    tables = {Path(path).name: path for path in spec["data"]}
    return {
        "PDF": f"figures/{name}.pdf",
        **{f"data: {label}": path for label, path in tables.items()},
        "code": spec["code"],
        "trace": f"records/figures/{name}.json",
    }


def bearings(spec: Mapping[str, Any], claims: pd.DataFrame) -> Iterator[Bearing]:
    """The claims whose numbers a figure shows, each with its verdict at the figure's conditions."""
    families = {family for panel in spec["panels"] for family in panel["models"]}
    by_name = all_claims()
    for name, rows in claims.groupby("claim", sort=False):
        claim = by_name[str(name)]
        if spec["kind"] not in claim.figures:
            continue
        methods = rows["methods"].fillna("").map(lambda words: set(words.split()))
        drawn = rows["condition"].isin(spec["conditions"]) & methods.map(
            lambda known: bool(known & families)
        )
        here = rows[drawn | (claim.scope is None)]
        if verdict := summary_of(here["verdict"]):
            yield Bearing(str(name), anchor_of(str(name)), verdict)


def summary_of(verdicts: Iterable[str]) -> str:
    """What some verdicts say together; empty where they say nothing."""
    known = list(verdicts)
    return summary(known) if set(known) - set(SILENT) else ""


def medians(spec: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Iterator[Medians]:
    """A table for each condition of a figure of errors: what its models and algorithms reach."""
    if not spec["shows_medians"]:
        return
    asked = [[*panel["models"], *panel.get("algorithms", [])] for panel in spec["panels"]]
    methods = list(dict.fromkeys(method for panel in asked for method in panel))
    depths = {d for panel in spec["panels"] for found in panel["models"].values() for d in found}
    for condition in spec["conditions"]:
        table = tables.get(condition)
        if table is None:
            continue
        judged = table[table["quantity"] == table["quantity"].iloc[0]]
        wide = judged.pivot_table(index="method", columns="step", values="median", dropna=False)
        steps = tuple(step for step in sorted(depths) if step in wide.columns)
        rows = tuple(
            (spec["titles"].get(method, method), tuple(wide.loc[method].get(s) for s in steps))
            for method in methods
            if method in wide.index
        )
        yield Medians(spec["condition_titles"].get(condition, condition), steps, rows)
