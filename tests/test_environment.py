"""The three descriptions of the environment agree: pyproject.toml, environment.yml and
requirements.lock.
"""

import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml
from packaging.requirements import Requirement

CONDA_NAMES = {"torch": "pytorch"}
PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirements(lines):
    return {r.name.lower(): r for r in map(Requirement, lines)}


def test_conda_has_the_ranges_of_pyproject():
    listed = yaml.safe_load(Path("environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = [line for line in listed if isinstance(line, str)]
    found = {
        name: r.specifier
        for name, r in requirements(conda).items()
        if name not in ("python", "pip", "pygments")
    }
    expected = {
        CONDA_NAMES.get(name, name): r.specifier
        for name, r in requirements(PROJECT["dependencies"]).items()
    }
    assert found == expected
    assert f"python{PROJECT['requires-python']}" in conda


def test_the_lock_pins_everything_inside_the_ranges():
    texts = [
        Path(name).read_text(encoding="utf-8")
        for name in ("requirements.lock", "requirements-slurm.lock")
    ]
    lines = [
        line for text in texts for line in text.splitlines() if line and not line.startswith("#")
    ]
    locked = requirements(lines)
    assert all(str(r.specifier).startswith("==") for r in locked.values())
    extras = PROJECT["optional-dependencies"]
    needed = requirements([*PROJECT["dependencies"], *extras["test"], *extras["slurm"]])
    for name, requirement in needed.items():
        pin = str(locked[name].specifier).removeprefix("==")
        assert requirement.specifier.contains(pin), (
            f"{name}: {pin} is outside {requirement.specifier}"
        )
    assert str(locked["torch"].specifier) == "==2.13.0"


def test_torch_is_new_enough():
    assert Requirement("torch>=2.9").specifier.contains(version("torch").split("+")[0])
