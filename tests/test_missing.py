"""Figures are drawn of what there is, and say which models are missing."""

import pytest
from conftest import finished_tables
from matplotlib import pyplot as plt
from workflow.status import load_config

from icnewton.figures import draw

FIGURES = {name: spec for name, spec in load_config("smoke")["figures"].items() if "panels" in spec}


@pytest.mark.parametrize("depths", ["last", "all"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_names_the_models_that_it_lacks(finished, name, depths):
    spec = FIGURES[name]
    family, layers = next(iter(spec["panels"][0]["models"].items()))
    lacking = layers if depths == "all" else layers[-1:]
    tables = finished_tables(finished[0], spec)
    tables = {k: t[(t["method"] != family) | ~t["step"].isin(lacking)] for k, t in tables.items()}
    figure = draw(spec["kind"], tables, spec["panels"])
    notes = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    assert f"with {', '.join(map(str, lacking))} layer" in notes
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_lacks_nothing_says_nothing(finished, name):
    figure = draw(FIGURES[name]["kind"], finished_tables(finished[0], FIGURES[name]), FIGURES[name]["panels"])
    assert not any("missing" in text.get_text() for text in figure.texts)
    plt.close(figure)
