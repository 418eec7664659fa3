"""The house: no module imports one from a floor above, none imports itself through others, and no
file is long.
"""

import subprocess

import pytest
from conftest import ROOT

from icnewton.digest import PACKAGE, _file, _imports, _tree

FLOORS = (
    ("files", "typed", "registry", "inputs", "randomness", "devices", "threads", "digest", "pages"),
    ("protocols",),
    ("problems",),
    ("algorithms",),
    ("models",),
    ("constructions",),
    ("domains", "theory"),
    ("evaluation", "estimators"),
    ("training",),
    ("claims", "figures", "inside"),
    ("article",),
    ("pipeline",),
    ("commands", "__main__"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
LONGEST = 300  # lines


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts:
            yield ".".join(("icnewton", *parts))


def imports(module):
    found = _imports(_tree(_file(module)))
    return {name for name in found if name != "icnewton"}


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_nothing_from_above(module):
    here = FLOOR[module.split(".")[1]]
    for other in imports(module):
        assert FLOOR[other.split(".")[1]] <= here, f"{module} looks up to {other}"


def test_no_module_imports_itself_through_others():
    waiting, done = {module: imports(module) for module in modules()}, set()
    while waiting:
        free = [module for module, needed in waiting.items() if needed <= done]
        assert free, f"a circle among {sorted(waiting)}"
        done |= {*free}
        waiting = {m: needed for m, needed in waiting.items() if m not in done}


def test_no_file_is_long():
    names = subprocess.run(
        ["git", "ls-files", "*.py", "*.smk", "Snakefile", "*.yaml", "*.c"],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
    ).stdout.split()  # fmt: skip
    lengths = {
        name: len((ROOT / name).read_text(encoding="utf-8").splitlines())
        for name in names
        if (ROOT / name).exists()
    }
    assert not {name: length for name, length in lengths.items() if length > LONGEST}
