"""The page, from a folder of results and the words of this package's templates."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from icnewton.article.gallery import Shown, shown, spoken
from icnewton.article.matrix import (
    BUILT,
    PUBLISHED,
    REAL_DATA,
    Line,
    groups_of,
    verdict_matrix,
)
from icnewton.article.numbers import Numbers
from icnewton.inside.explorer import fragment
from icnewton.pages import render
from icnewton.theory import minimax, triangle

TEMPLATES = Path(__file__).parent / "templates"
HEADLINE = "headline"  # the kind of the figure that opens the page
LAYERS = range(1, 7)
GROUPS = {BUILT: "built", PUBLISHED: "the paper's own training", REAL_DATA: "real data"}


def compose(results: Path, spec: Mapping[str, Any]) -> str:
    """The article of a folder of results, which is whole but for this page.

    spec: what the configuration says: ``scale``; ``figures`` by name, with kind, section, caption,
    conditions, panels, titles, data and code; ``protocols`` of conditions and ``protocol_titles``;
    ``models``, a sentence; ``facts`` of the run by name.
    """
    claims = pd.read_csv(results / "claims/claims.csv", keep_default_na=True)
    medians = {name: pd.read_csv(results / f"tables/{name}.csv") for name in spec["protocols"]}
    numbers = Numbers(medians, claims)
    lines = verdict_matrix(claims, spec["protocols"])
    figures = {
        name: shown(name, figure, results, numbers, [TEMPLATES])
        for name, figure in spec["figures"].items()
    }
    first = next((n for n, f in spec["figures"].items() if f["kind"] == HEADLINE), None)
    values = {
        **spoken(numbers),
        "spec": spec,
        "headline": figures.get(first) if first else None,
        "sections": by_section(figures, spec, first),
        "lines": lines,
        "groups": groups_of(lines),
        "group_titles": {**spec["protocol_titles"], **GROUPS},
        "verdicts": counted(lines),
        "laws": laws(spec),
        "explorer": fragment(),
    }
    return render("article.html", values, [TEMPLATES])


def by_section(
    figures: Mapping[str, Shown], spec: Mapping[str, Any], first: str | None
) -> dict[str, list[Shown]]:
    """The figures by section, without the one that opens the page."""
    found: dict[str, list[Shown]] = {}
    for name in sorted(figures, key=lambda name: spec["figures"][name]["section"]):
        if name != first:
            title = spec["figures"][name]["section"].partition(". ")[2]
            found.setdefault(title, []).append(figures[name])
    return found


def counted(lines: list[Line]) -> Counter[str]:
    """How many rows of the claims' table have each verdict."""
    return Counter(str(row["verdict"]) for line in lines for row in line.rows)


def laws(spec: Mapping[str, Any]) -> list[dict[str, float]]:
    """The two laws by layers; the one of an interval at the largest κ of a headline, or none."""
    kappas = [
        spec["kappas"][condition]
        for figure in spec["figures"].values()
        if figure["kind"] == HEADLINE
        for condition in figure["conditions"]
    ]
    kappa = max(kappas, default=10)
    return [
        {
            "layers": layers,
            "degree": (3**layers - 1) // 2,
            "kappa": kappa,
            "minimax": minimax.law(layers, 1.0, float(kappa)),
            "triangle": triangle.law(layers, 1.0),
        }
        for layers in LAYERS
    ]
