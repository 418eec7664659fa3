"""The pages of docs/ that show numbers, from docs/templates/ and docs/data/; and `make docs`.

The pages are kept beside their templates, so that they can be read without building a site.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from icnewton.files import write_together
from icnewton.pages.words import number, percent
from icnewton.theory.decrease import SQUARE, h
from icnewton.theory.first_phase import least_gain
from workflow.numbers import Numbers, kept

PAGES, TEMPLATES = Path("docs"), Path("docs/templates")
HEAD = "<!-- Made by `make released` from docs/templates/{}. -->\n"
BUILD = ["mkdocs", "build", "--strict", "--quiet"]


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return str(text).replace("|", "\\|")


def anchor(heading: str) -> str:
    """The address of a heading within its page."""
    return re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-")


def appendix_h(x: float, c: float) -> float:
    """The function h of Appendix E.1."""
    return float(h(np.array(x), np.array(c), SQUARE))


def rendered(numbers: Numbers) -> dict[str, str]:
    """The text of every page that has a template, by its name.

    Raises LookupError where a template asks for a number that is not there.
    """
    environment = Environment(
        loader=FileSystemLoader(numbers.root / TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=number, percent=percent, cell=cell, anchor=anchor)
    environment.globals.update(least_gain=least_gain, h=appendix_h)
    environment.globals.update(numbers.functions(), tables=numbers.tables)
    names = sorted(environment.list_templates(extensions=["md"]))
    return {name: HEAD.format(name) + environment.get_template(name).render() for name in names}


def main() -> None:
    """Write the pages with the numbers that are kept, build the site, say where it is."""
    try:
        pages = rendered(Numbers(Path(), kept(Path())))
    except LookupError as error:
        sys.exit(str(error))
    write_together({PAGES / name: text.encode() for name, text in pages.items()})
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # an announcement of the theme
    if subprocess.run([sys.executable, "-m", *BUILD], env=quiet).returncode:
        sys.exit("docs: expected pages whose links lead somewhere, found the problems above")
    print("site/index.html")


if __name__ == "__main__":
    main()
