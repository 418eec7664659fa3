"""The image of Dockerfile: what it is told to do, and where docker runs, the image itself."""

import re
import shutil
import subprocess
import tomllib

import pytest
from conftest import ROOT, make
from packaging.specifiers import SpecifierSet


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def instructions():
    """Keyword and words of each instruction."""
    text = re.sub(r"^#.*\n", "", read("Dockerfile"), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def place(keyword, words=""):
    """Where the only instruction with a keyword and these words stands."""
    found = [i for i, (key, rest) in enumerate(instructions()) if key == keyword and words in rest]
    assert len(found) == 1, (keyword, words)
    return found[0]


def test_the_python_is_that_of_the_lock():
    (base,) = [words for keyword, words in instructions() if keyword == "FROM"]
    version = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", base)[1]
    assert f"(Python {version})" in read("requirements.lock")
    required = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    assert SpecifierSet(required).contains(version)


def test_an_ordinary_user_installs_the_checkout_with_make():
    (user,) = [words for keyword, words in instructions() if keyword == "USER"]
    assert user != "root" and f"useradd --create-home --uid 1000 {user}" in read("Dockerfile")
    order = [
        place("RUN", "useradd"),
        place("USER"),
        place("WORKDIR"),
        place("COPY", f"--chown={user}:{user} . ."),
        place("RUN", "make .venv/installed"),
        place("CMD"),
    ]
    assert order == sorted(order)
    folder = instructions()[place("WORKDIR")][1]
    assert folder.startswith(f"/home/{user}/")
    assert instructions()[place("VOLUME")][1] == f"{folder}/results"


def test_tools_that_commands_need_are_installed():
    packages = instructions()[place("RUN", "apt-get install")][1].split()
    assert {"make", "git", "gcc", "libc6-dev"} <= set(packages)


def test_what_the_image_runs_is_a_command_of_make():
    assert instructions()[place("CMD")][1] == '["make", "reproduce"]'
    for words in (["reproduce"], ["reproduce", "SCALE=smoke"], [".venv/installed"]):
        assert make(ROOT, "-n", *words, trusted=words != [".venv/installed"]).returncode == 0


def test_what_git_ignores_stays_out():
    def patterns(name):
        lines = (line.strip() for line in read(name).splitlines())
        return {line.strip("/").removeprefix("**/") for line in lines if line and line[0] != "#"}

    assert patterns(".gitignore") <= patterns(".dockerignore")
    assert ".git" not in patterns(".dockerignore")


def docker_works():
    docker = shutil.which("docker")
    return docker and subprocess.run([docker, "info"], capture_output=True).returncode == 0


@pytest.mark.slow
def test_the_image_makes_an_article():
    if not docker_works():
        pytest.skip("docker's daemon does not run here")
    subprocess.run(["docker", "build", "--tag", "icnewton-test", ROOT], check=True)
    command = ["docker", "run", "--rm", "icnewton-test", "make", "reproduce", "SCALE=smoke"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert result.returncode == 0 and result.stdout.endswith("results/smoke/index.html\n")
