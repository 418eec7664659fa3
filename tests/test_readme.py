"""The blocks of README.md and docs/ run: Python as it stands, shell commands as far as they can."""

import ast
import re
import shlex
import subprocess
import sys
from itertools import dropwhile, pairwise
from pathlib import Path

import pytest
import torch
from conftest import ROOT, make

import icnewton

PAGES = [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]
PROMPT = 'builtins = ["x", "y"]'  # a prompt, which the text describes
SHELLS = ("", "sh", "bash", "shell", "console")
MODULES = {"docs/extending.md": "its blocks are modules, which tests/test_extending.py runs"}
NOT_RUN = {
    "...": "the end of a command line",
    "cd": "for the reader's own folder",
    "conda": "needs conda and the network",
    "docker": "needs its daemon; tests/test_container.py builds the image where there is one",
    "export": "for a site's own settings",
    "git": "needs the network",
    "mkdir": "for a folder outside the checkout",
    "pip": "needs the network",
    "sed": "changes the checkout",
}
VARIABLE = re.compile(r"\w+=")  # of the environment, before a command
PATHS = {"path/to/mine.yaml": "workflow/scales/smoke.yaml"}  # names that stand for the reader's own


def blocks(page, *languages):
    """The blocks of a page whose language is one of those."""
    found, inside = [], None
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = re.match(r"\s*```(\S*)", line)
        if fence and inside is None:
            inside = (fence[1], [])
        elif fence:
            found.append(inside)
            inside = None
        elif inside:
            inside[1].append(line)
    return ["\n".join(lines) + "\n" for language, lines in found if language in languages]


def examples(page):
    return blocks(page, "python")


WITH_EXAMPLES = [page for page in PAGES if examples(page) and str(page) not in MODULES]


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=str)
def test_examples_define_what_they_use(page):
    """A found fault: the training example used ``icnewton`` without importing it."""
    code = "\n".join(examples(page))
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--select",
        "F821",
        "--config",
        PROMPT,
        "-",
    ]
    result = subprocess.run(command, input=code, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stdout


def test_each_example_of_the_readme_imports_what_it_uses():
    assert all(
        "import icnewton" in code or "icnewton." not in code
        for code in examples(Path("README.md"))[:2]
    )


def mentioned(code, name, usual):
    found = re.search(rf"\b{name}=(\d+)", code)
    return int(found[1]) if found else usual


def prompt_of(code):
    """Four well conditioned prompts of the sizes that a block names."""
    if "mu=" in code:
        d, n = mentioned(code, "d", 5), mentioned(code, "n", 26)
        own = {"problem": "logistic", "protocol": "bounded", "kappa": 1, "mu": 0.1}
        prompts = icnewton.sample(**own, d=d, n=n, prompts=4)
        return prompts.x, prompts.y
    prompts = icnewton.sample(d=mentioned(code, "d", 10), n=mentioned(code, "n", 50), prompts=64)
    values = torch.linalg.svdvals(prompts.x[:, :-1])
    chosen = (values[:, 0] / values[:, -1]).argsort()[:4]
    return prompts.x[chosen], prompts.y[chosen]


def assigned(code):
    names = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=str)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """One after the other, with a prompt x, y where the page makes none."""
    names, own, codes = {}, set(), examples(page)
    monkeypatch.chdir(tmp_path)
    for code in codes:
        own |= assigned(code)
        if "x" not in own:
            names["x"], names["y"] = prompt_of(code)
        exec(compile(code, str(page), "exec"), names)


def make_knows(words):
    """Make takes the words, and would run something."""
    words = [word.replace(*pair) for word in words for pair in PATHS.items()]
    result = make(ROOT, "-n", *words)
    return result.returncode == 0, result.stderr


def parsed(words):
    """The command line takes the words."""
    from icnewton.commands import parser

    return parser().parse_args(words) is not None, ""


def planned(words):
    """Snakemake takes the words."""
    command = [sys.executable, "-m", "snakemake", "-n", *words]
    result = subprocess.run(command, capture_output=True, encoding="utf-8")
    return result.returncode == 0, result.stderr


RUN = {"make": make_knows, "icnewton": parsed, "snakemake": planned}


def commands():
    """Each command of the pages' shell blocks with its page, as words without variables before it.

    A block without a language is one of commands if its first word is a command.
    """
    for page in PAGES:
        for block in blocks(page, *SHELLS):
            words = (word for word in block.split() if not VARIABLE.match(word))
            if next(words) in {*RUN, *NOT_RUN}:
                for line in block.replace("\\\n", " ").splitlines():
                    yield from ((str(page), words) for words in split(line))


def split(line):
    """The commands of a line."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    starts = [-1, *(place for place, word in enumerate(words) if word == "&&"), len(words)]
    for start, end in pairwise(starts):
        command = list(dropwhile(VARIABLE.match, words[start + 1 : end]))
        if command:
            yield command


@pytest.mark.parametrize("page, words", [*commands()], ids=lambda value: str(value)[:60])
def test_shell_blocks_hold_commands_that_there_are(page, words):
    """Whole runs take minutes: each is tested as what it is, and here its words are."""
    name = Path(words[0]).name
    if name.startswith("python"):
        assert words[1] == "-m"
        name, words = words[2], words[2:]
    if name in NOT_RUN:
        return
    done, said = RUN[name](words[1:])
    assert done, said


def test_exceptions_are_pages_that_there_are_and_no_commands_that_run():
    assert {str(page) for page in PAGES} >= MODULES.keys()
    assert not NOT_RUN.keys() & RUN.keys()
