"""The notebooks run from top to bottom, and what they show comes from the sources they show."""

import nbformat
import pytest
from conftest import ROOT
from workflow.notebooks import executed, sources_of

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 200_000  # bytes


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_small_and_of_the_sources_beside_them(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata["executed"] == sources_of(notebook), "run make notebooks"
    cells = code_of(notebook)
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = [output for cell in cells for output in cell.outputs]
    assert all(output.get("name") != "stderr" for output in outputs)
    assert 1 <= sum("image/png" in output.get("data", {}) for output in outputs) <= 4
    assert path.stat().st_size < LARGEST


def test_a_changed_source_is_noticed():
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    code_of(notebook)[0].source += " "
    assert notebook.metadata["executed"] != sources_of(notebook)


def run(path, smaller):
    """What the cells define, run as one program in which some words are replaced."""
    notebook = nbformat.read(path, as_version=4)
    source = "\n".join(cell.source for cell in code_of(notebook))
    for old, new in smaller.items():
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    names = {}
    exec(compile(source, "notebook", "exec"), names)
    return names


def test_the_first_notebook_runs_at_a_smaller_size():
    path = ROOT / "notebooks/newton_inside_a_transformer.ipynb"
    smaller = {
        "d, n = 5, 50": "d, n = 2, 8",
        "prompts=64": "prompts=8",
        "range(14)": "range(4)",
        "range(1, 4)": "range(1, 3)",
        'step.card.config["hidden_width"][1]': "3",
    }
    names = run(path, smaller)
    assert names["bound"] <= 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_in_a_kernel(path, tmp_path):
    stored, again = nbformat.read(path, as_version=4), executed(path, tmp_path)
    assert again.metadata == stored.metadata
    assert all(cell.execution_count for cell in code_of(again))
