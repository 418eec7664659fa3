"""The examples of README and docs use no name that they do not define."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGES = [Path("README.md"), *sorted(Path("docs").glob("*.md"))]
PROMPT = 'builtins = ["x", "y"]'  # a prompt, which the text describes


def examples(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


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
