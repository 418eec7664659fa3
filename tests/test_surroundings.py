"""Nothing of a user's surroundings reaches a result in silence: plotting settings, encodings, optimised Python, torch's defaults."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

FIGURE = """
import sys
from pathlib import Path
import pandas as pd
from icnewton.figures import draw
from icnewton.figures.missing import note
from icnewton.figures.style import save

rows = [{"function": f, "c": c, "x": x, "value": c * x, "enclosure": 1.0} for f, *xs in (("slope", 0, 1, 2), ("value", 0))
        for x in xs for c in (-1000, 0, 1000)]
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
    result = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_figures_do_not_depend_on_a_users_matplotlib(tmp_path, monkeypatch):
    places = [tmp_path / name for name in ("plain", "variable", "folder", "working")]
    for place in places:
        place.mkdir()
        (place / "matplotlibrc").write_text(HOSTILE, encoding="utf-8")
    run(FIGURE, places[0], MATPLOTLIBRC="", MPLCONFIGDIR=str(tmp_path))
    run(FIGURE, places[1], MATPLOTLIBRC=str(places[1]), MPLBACKEND="nonsense", SOURCE_DATE_EPOCH="0")
    run(FIGURE, places[2], MPLCONFIGDIR=str(places[2]), MPLBACKEND="svg", LC_ALL="C")
    monkeypatch.chdir(places[3])
    run(FIGURE, places[3])
    for name in ("figure.png", "figure.pdf", "figure.svg"):
        assert len({(place / name).read_bytes() for place in places}) == 1, name
