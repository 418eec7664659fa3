"""An explorer of the exact laws: residual polynomials, drawn anew in the browser.

The script has the formulas of ``algorithms/gdpp.py``, ``algorithms/newton.py``,
``algorithms/parts/chebyshev.py`` and ``theory/minimax.py``; ``tests/test_inside.py`` compares.
"""

from pathlib import Path

from markupsafe import Markup

from icnewton.pages import render

TEMPLATES = Path(__file__).parent / "templates"


def fragment() -> Markup:
    """The explorer as a part of another page, with its own styles and script and no ids."""
    return Markup(render("explorer_fragment.html", {}, [TEMPLATES]))


def page() -> str:
    """The explorer as a self-contained page."""
    return render("explorer.html", {"explorer": fragment()}, [TEMPLATES])
