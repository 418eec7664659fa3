"""A page in which one tries iterations and prompts in the browser."""

from argparse import ArgumentParser, Namespace

from icnewton.commands import Command
from icnewton.commands.parts.page import output_argument, write_page


def arguments(parser: ArgumentParser) -> None:
    """The page."""
    output_argument(parser)


def run(options: Namespace) -> bool:
    """Write the page."""
    from icnewton.inside.explorer import page

    write_page(options.output, page())
    return True


ENTRIES = {
    "explorer": Command(
        says="Write a page on which iterations can be tried out in a browser.",
        examples=("-o explorer.html",),
        arguments=arguments,
        run=run,
    )
}
