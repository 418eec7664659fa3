"""Nothing of a user's surroundings reaches a result: plotting settings, encodings, optimised
Python, torch's defaults.
"""

import ast
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT, snakemake

from icnewton.training.loop import train
from icnewton.training.runs import parse_run

FIGURE = """
import sys
from pathlib import Path

import pytest
import pandas as pd
from icnewton.figures import draw
from icnewton.figures.parts.missing import note
from icnewton.figures.parts.style import save

rows = [{"function": f, "c": c, "x": x, "value": c * x, "enclosure": 1.0}
        for f, *xs in (("slope", 0, 1, 2), ("value", 0)) for x in xs for c in (-1000, 0, 1000)]
figure = draw("built_decrease", {"": pd.DataFrame(rows)}, [])
note(figure, ["trained LSA with 5 layers (diverged)"])
save(figure, {kind: Path(sys.argv[1]) / f"figure.{kind}" for kind in ("png", "pdf", "svg")})
"""
HOSTILE = """
axes.facecolor: pink
axes.formatter.use_locale: True
backend: qtagg
figure.facecolor: yellow
font.family: serif
image.cmap: jet
lines.marker: o
mathtext.fontset: stix
path.sketch: 1, 100, 2
pdf.compression: 0
savefig.facecolor: red
savefig.pad_inches: 1
svg.fonttype: none
text.color: green
"""


def run(code, *arguments, flags=(), **environment):
    """What a fresh Python process that ran some code printed."""
    command = [sys.executable, *flags, "-c", code, *map(str, arguments)]
    everything = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **environment}
    result = subprocess.run(command, env=everything, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_figures_do_not_depend_on_a_users_matplotlib(tmp_path, monkeypatch):
    places = [tmp_path / name for name in ("plain", "variable", "folder", "working")]
    for place in places:
        place.mkdir()
        (place / "matplotlibrc").write_text(HOSTILE, encoding="utf-8")
    run(FIGURE, places[0], MATPLOTLIBRC="", MPLCONFIGDIR=str(tmp_path))
    command = f"import workflow\n{FIGURE}"  # as the commands of a checkout begin
    variables = {"MPLBACKEND": "nonsense", "SOURCE_DATE_EPOCH": "0"}
    run(command, places[1], MATPLOTLIBRC=str(places[1]), **variables)
    run(FIGURE, places[2], MPLCONFIGDIR=str(places[2]), MPLBACKEND="svg", LC_ALL="C")
    monkeypatch.chdir(places[3])
    run(FIGURE, places[3])
    for name in ("figure.png", "figure.pdf", "figure.svg"):
        assert len({(place / name).read_bytes() for place in places}) == 1, name


TEXTS = r"""
import sys
from pathlib import Path

import pytest
import pandas as pd
from icnewton.digest import digest, script_digest
from icnewton.files import write_json, write_table, write_text

place = Path(sys.argv[1])
write_text(place / "text", "\u03ba \u2013 \u03bc")
write_json(place / "json", {"\u03ba": "\u03bc"})
write_table(place / "table.csv", pd.DataFrame({"\u03ba": ["\u03bc"]}))
write_table(place / "table.md", pd.DataFrame({"\u03ba": ["\u03bc"]}))
print(
    digest("icnewton.figures.parts.style", "icnewton.training.fast.kernel"),
    script_digest(Path("workflow/scripts/data.py")),
)
"""


def test_texts_do_not_depend_on_the_locale(tmp_path):
    outcomes = []
    for name, flags in (("utf-8", ("-X", "utf8=1")), ("ascii", ("-X", "utf8=0"))):
        place = tmp_path / name
        said = run(
            TEXTS, place, flags=flags, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="utf-8"
        )
        outcomes.append(
            [said, *((path.name, path.read_bytes()) for path in sorted(place.iterdir()))]
        )
    assert outcomes[0] == outcomes[1] and len(outcomes[0]) == 5


def silent(call):
    """Whether a call reads or writes text and leaves its encoding to the locale."""
    keywords = {keyword.arg for keyword in call.keywords}
    if "text" in keywords or "universal_newlines" in keywords:
        return True
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = [
        word.value
        for word in (*call.args, *(k.value for k in call.keywords))
        if isinstance(word, ast.Constant)
    ]
    binary = any(isinstance(word, str) and "b" in word for word in words[:2])
    method = isinstance(call.func, ast.Attribute) and name in ("read_text", "write_text")
    return (method or (name in ("open", "fdopen") and not binary)) and "encoding" not in keywords


def test_every_text_says_its_encoding():
    files = [
        path
        for folder in ("src", "workflow", "bench", "studies", "tests")
        for path in Path(folder).rglob("*.py")
    ]
    found = [
        f"{path}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and silent(node)
    ]
    assert found == []
    for path in (Path("Snakefile"), *Path("workflow/rules").glob("*.smk")):
        assert not re.search(
            r"\b(open|read_text|write_text)\(", path.read_text(encoding="utf-8")
        ), path


OPTIMISED = """
import icnewton, torch
from tests.oracles.runs import make_run
from icnewton.digest import digest
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator
from icnewton.training.fast.step import advance
from icnewton.training.step import start

print(digest("icnewton.training.loop", "icnewton.constructions"))
for kind in ("lsa", "lsa_ln", "softmax"):
    run = make_run(kind, 3, batch=8)
    state = start(run, "cpu")
    print([advance(run, state)[0].item() for _ in range(3)])
condition = LinearCondition("unnormalised", 3, 9, 5.0, 0.1)
prompts = sample(condition, 2, 2, generator("prompts"))
model = icnewton.build("least_squares", d=3, n=9, steps=2, alpha=0.001)
print(model(prompts.x, prompts.y).tolist())
try:
    icnewton.load("nowhere")
except ValueError as error:
    print(error)
"""


def test_optimised_python_computes_and_refuses_the_same():
    outcomes = {run(OPTIMISED, flags=flags) for flags in ((), ("-O",), ("-OO",))}
    assert len(outcomes) == 1


@pytest.mark.parametrize(
    "module",
    ["icnewton.pipeline.records", "workflow.status", "workflow.train_released", "workflow.retrain"],
)
def test_commands_run_without_their_docstrings(module):
    help = run(
        "import runpy, sys; runpy.run_module(sys.argv.pop(1), run_name='__main__')",
        module,
        "--help",
        flags=("-OO",),
    )
    assert help.startswith("usage: python -m ")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
@pytest.mark.parametrize("matrix_rate", [None, 0.02])
def test_torchs_default_dtype_changes_no_training(tmp_path, tiny_run, dtype, matrix_rate):
    run, states = parse_run(tiny_run), []
    run = replace(run, recipe=replace(run.recipe, matrix_rate=matrix_rate))
    for default in (torch.float32, dtype):
        torch.set_default_dtype(default)
        try:
            model, _ = train(run, checkpoint=tmp_path / str(default), code="", say=len)
        finally:
            torch.set_default_dtype(torch.float32)
        states.append(model.transformer.state_dict())
    assert all(torch.equal(weight, states[1][name]) for name, weight in states[0].items())


def test_the_workflow_needs_no_home_that_can_be_written(monkeypatch):
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    plan = snakemake(ROOT, "--dry-run", "--quiet")
    assert plan.returncode == 0, plan.stderr
