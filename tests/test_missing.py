"""Figures are drawn of what there is, and say which models are missing."""

import numpy as np
import pandas as pd
import pytest
from conftest import finished_tables

from icnewton.figures import draw
from icnewton.pipeline.schema import merged

LINEAR = "normalised_kappa10_noise0"
FIGURES = {name: spec for name, spec in merged("smoke")["figures"].items() if "panels" in spec}


@pytest.mark.parametrize("depths", ["last", "all"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_the_models_that_it_lacks(finished, name, depths):
    spec = FIGURES[name]
    family, layers = next(iter(spec["panels"][0]["models"].items()))
    lacking = layers if depths == "all" else layers[-1:]
    tables = finished_tables(finished[0], spec)
    tables = {k: t[(t["method"] != family) | ~t["step"].isin(lacking)] for k, t in tables.items()}
    figure = draw(spec["kind"], tables, spec["panels"])
    notes = notes_of(figure)
    *others, last = map(str, lacking)
    counted = f"{', '.join(others)} and {last}" if others else last
    assert f"with {counted} layer{'s' * (counted != '1')} (not trained" in notes


def test_a_figure_names_the_seeds_that_it_lacks(finished):
    spec = FIGURES["figure2"]
    others = [
        f"{LINEAR}/lsa_layers2_seed1",
        f"{LINEAR}/lsa_layers2_seed2",
        f"{LINEAR}/lsa_layers22_seed0",
    ]
    notes = notes_of(draw(spec["kind"], finished_tables(finished[0], spec), spec["panels"], others))
    assert (
        "trained LSA with 2 layers (2 of 3 seeds not trained)" in notes and "1 layer " not in notes
    )


def notes_of(figure):
    figure.draw_without_rendering()
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


@pytest.mark.parametrize("lost", ["all", "some"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_the_models_that_diverged(finished, name, lost):
    spec = FIGURES[name]
    family, layers = next(iter(spec["panels"][0]["models"].items()))
    tables = {
        k: with_diverged(t, family, layers[-1], lost)
        for k, t in finished_tables(finished[0], spec).items()
    }
    notes = notes_of(draw(spec["kind"], tables, spec["panels"]))
    assert (
        f"with {layers[-1]} layers ({'diverged' if lost == 'all' else '1 of 2 seeds diverged'}"
        in notes
        or layers[-1] == 1
    )


def with_diverged(table, family, layers, lost):
    """A second seed, and the infinite errors of one or both, as evaluations and tables have
    them.
    """
    rows = (table["method"] == family) & (table["step"] == layers)
    if "median" in table:
        table = table.copy()
        table.loc[rows, ["seeds", "diverged"]] = (2, 2 if lost == "all" else 1)
        table.loc[rows, ["median", "low", "high", "mean"] if lost == "all" else ["mean"]] = np.inf
        return table
    second = table[rows].assign(seed=1)
    column = next(name for name in ("output", "residual", "r2", "value") if name in table)
    table = pd.concat([table, second], ignore_index=True)
    rows = (
        (table["method"] == family)
        & (table["step"] == layers)
        & (table["seed"] >= (0 if lost == "all" else 1))
    )
    table.loc[rows, column] = np.inf
    return table


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_lacks_nothing_says_nothing(finished, name):
    figure = draw(
        FIGURES[name]["kind"], finished_tables(finished[0], FIGURES[name]), FIGURES[name]["panels"]
    )
    assert "missing" not in notes_of(figure)
