"""A page in which one tries iterations and prompts in the browser."""

from argparse import ArgumentParser, Namespace
from importlib import import_module

from icnewton.commands import Command
from icnewton.commands.parts.page import output_argument, write_page


def arguments(parser: ArgumentParser) -> None:
    """The page."""
    output_argument(parser)


def run(options: Namespace) -> bool:
    """Write the page."""
    write_page(options.output, import_module("icnewton.inside.explorer").page())
    return True


ENTRIES = {
    "explorer": Command(
        says="Write a page on which iterations can be tried out in a browser.",
        examples=("-o explorer.html",),
        arguments=arguments,
        run=run,
    )
}
