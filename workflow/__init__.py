"""The commands of a checkout, which run its own package and no other installed one."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

os.environ["MPLBACKEND"] = "agg"  # with a user's own, matplotlib may not be imported at all
ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "src/icnewton"


def in_shell(path: str) -> str:
    """A path as a word of a shell command."""
    return re.sub(r"([^\w/.-])", r"\\\1", path)


def refusal() -> str | None:
    """Why nothing can run in this checkout, or None where it can."""
    if not {":", "\n"}.isdisjoint(str(ROOT)):
        return f"checkout: expected a path without colon or line break, found {str(ROOT)!r}"
    package = find_spec("icnewton")
    found = Path(package.origin).resolve().parent if package and package.origin else "none"
    if found != OWN:
        return f"icnewton: expected this checkout's {OWN}, found {found}; make runs the right one"
    return None


if reason := refusal():
    sys.exit(reason)
