"""The command ``icnewton``: each of its words is an entry of this package, one module each.

Modules import what is heavy when they run, so that ``icnewton --help`` answers at once.
"""

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from icnewton.registry import Registry


@dataclass(frozen=True)
class Command:
    """A word of the command line.

    says: what it does, in a sentence.
    examples: lines that a user may type, without ``icnewton``.
    arguments: adds its arguments to a parser.
    run: does it. Returns whether all is well; raises ValueError in one sentence on bad input.
    """

    says: str
    examples: tuple[str, ...]
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], bool]


COMMANDS: Registry[Command] = Registry("command", __name__)


class _Parser(ArgumentParser):
    """A parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where help is; exit code 2."""
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` says what it takes\n")


def parser() -> ArgumentParser:
    """The parser of the whole command line."""
    whole = _Parser(
        prog="icnewton",
        description="How well transformers emulate in-context Newton's method, built and learned.",
        epilog="`icnewton COMMAND --help` explains a command and shows examples.",
    )
    words = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        command = COMMANDS[name]
        lines = "\n".join(f"  icnewton {name} {example}".rstrip() for example in command.examples)
        own = words.add_parser(
            name,
            help=command.says,
            description=command.says,
            epilog=f"examples:\n{lines}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.arguments(own)
    return whole


def main(words: Sequence[str] | None = None) -> None:
    """Do what the words say, those of the command line by default, and exit.

    The exit code is 0 if all is well, 1 if not, and 2 for words that mean nothing.
    """
    options = parser().parse_args(words)
    try:
        done = COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except BrokenPipeError:  # of `icnewton ... | head`: what is left would break the same pipe
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    sys.exit(not done)
