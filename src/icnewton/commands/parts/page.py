"""Where a command writes its page."""

from argparse import ArgumentParser
from pathlib import Path


def output_argument(parser: ArgumentParser) -> None:
    """The page's file."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="PAGE", help="the HTML file to write"
    )


def write_page(path: Path, page: str) -> None:
    """Write a page and say where it lies; raises ValueError if a folder is there."""
    from icnewton.files import write_text

    if path.is_dir():
        raise ValueError(f"{path}: expected the name of a page to write, found a folder")
    write_text(path, page)
    print(path)
