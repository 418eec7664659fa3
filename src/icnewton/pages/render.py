"""A page from a template of this package or of a folder, and plain values."""

from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from icnewton.pages.words import formula, number, percent, typeset


def data_uri(path: Path) -> str:
    """A file as an address that holds it, so that a page needs no other file."""
    kind = guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{b64encode(path.read_bytes()).decode()}"


@cache
def _environment(folders: tuple[Path, ...]) -> Environment:
    loader = ChoiceLoader([FileSystemLoader(folders), PackageLoader("icnewton.pages")])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,  # a name without a value is an error, never an empty place
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {
        "number": number,
        "percent": percent,
        "formula": formula,
        "typeset": typeset,
    }
    environment.filters.update(filters)
    # styles and scripts are ours: they go in as they are
    environment.globals["source"] = lambda name: Markup(loader.get_source(environment, name)[0])
    return environment


def blocks(
    template: str, values: dict[str, Any], folders: Iterable[Path] = ()
) -> dict[str, Markup]:
    """The blocks of a template by name, each rendered by itself; raises as ``render`` does."""
    found = _environment(tuple(folders)).get_template(template)
    context = found.new_context(values)
    return {name: Markup("".join(block(context)).strip()) for name, block in found.blocks.items()}


def render(template: str, values: dict[str, Any], folders: Iterable[Path] = ()) -> str:
    """The page that a template makes of some values.

    folders: where templates lie besides those of the package. Raises jinja2.UndefinedError where
    the template asks for a value that is not there.
    """
    return _environment(tuple(folders)).get_template(template).render(values)
