"""The pages of docs/ that show numbers, from docs/templates/ and docs/data/; and `make docs`.

The pages are kept beside their templates, so that they can be read without building a site.
"""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from icnewton.article.compose import TEMPLATES as ARTICLE
from icnewton.article.gallery import VARIANTS
from icnewton.article.numbers import measured
from icnewton.files import write_together
from icnewton.pages.words import number, percent
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


def words_on(environment: Environment, figure: str) -> dict[str, str]:
    """What the article says of a figure, block by block, without tags of paragraphs."""
    template = environment.get_template(f"figures/{figure}.html")
    context = template.new_context()
    said = {name: "".join(block(context)) for name, block in template.blocks.items()}
    return {name: " ".join(re.sub("</?p>", " ", text).split()) for name, text in said.items()}


def variants(root: Path, figure: str) -> list[tuple[str, str]]:
    """The variants of a figure that docs/ shows, and their titles."""
    names = [path.stem for path in sorted((root / PAGES / "figures").glob(f"{figure}_*.png"))]
    ends = [name.removeprefix(f"{figure}_") for name in names]
    return [(end, VARIANTS.get(end, end.replace("_", " "))) for end in ends]


def rendered(numbers: Numbers) -> dict[str, str]:
    """The text of every page that has a template, by its name. What a page includes may be the
    article's.

    Raises LookupError where a template asks for a number that is not there.
    """
    environment = Environment(
        loader=FileSystemLoader([numbers.root / TEMPLATES, ARTICLE]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=number, percent=percent, cell=cell, anchor=anchor)
    environment.filters["formula"] = "${}$".format
    environment.globals.update(least_gain=least_gain, measured=measured)
    environment.globals["words_on"] = partial(words_on, environment)
    environment.globals["variants"] = partial(variants, numbers.root)
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
