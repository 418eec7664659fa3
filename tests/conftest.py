"""Fixtures that several test files share."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the two processes would wait for each other

import pytest
from kills import RESULTS as RESULTS
from kills import ROOT as ROOT
from kills import clone as clone

from icnewton.commands import main
from icnewton.figures import FIGURES
from icnewton.files import read_tables, try_lock
from icnewton.pipeline.complaints import check
from icnewton.pipeline.schema import merged

LEAST_SQUARES = [  # every kind of step that is built
    {"order": 2},
    {"order": 3},
    {"order": 4},
    {"step": "chebyshev"},
    {"step": "chebyshev", "order": 3},
]


@pytest.fixture
def smoke():
    """The smoke configuration."""
    return merged("smoke")


@pytest.fixture
def tiny_run(smoke):
    """The plain values of the smoke scale's two-layer LSA run."""
    return check(smoke).runs["normalised_kappa10_noise0/lsa_layers2_seed0"].to_json()


@pytest.fixture
def asked(capsys):
    """A function that runs a command in this process: exit code, words and complaint."""

    def run(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said, complaint = capsys.readouterr()
        if isinstance(end.value.code, str):
            return 1, said, end.value.code
        return int(end.value.code or 0), said, complaint

    return run


def snakemake(folder, *arguments, **config):
    """Run the workflow of a folder, at smoke scale unless ``config`` says another, with the profile
    that loads by itself.
    """
    settings = [f"{key}={value}" for key, value in ({"scale": "smoke"} | config).items()]
    command = [sys.executable, "-m", "snakemake", "--config", *settings, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8"
    )


def environment_of(folder):
    """The environment in which a folder runs its own package."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": str(folder / "src"),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def make(folder, *words, trusted=True, **variables):
    """Run `make` in a folder, whose environment is taken for installed if it is ``trusted``."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    command = ["make", *(["-o", ".venv/installed"] if trusted else []), *words]
    environment = inherited | variables
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


def made_once(tmp_path_factory, name, make):
    """A folder that the first of the processes of tests makes, and the others wait for."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    with try_lock(root / f"{name}.lock", wait=True):
        if not (root / name).exists():
            make(root / f"{name}.part")
            (root / f"{name}.part").rename(root / name)
    return root / name


def run_smoke(folder):
    """A clone in which the whole workflow has run."""
    result = snakemake(clone(folder))
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder in which the whole workflow has run, and one to edit; each process has its own."""
    made = made_once(tmp_path_factory, "finished", run_smoke)
    folders = [tmp_path_factory.mktemp("clone") / name for name in ("one", "two")]
    for folder in folders:
        shutil.copytree(made, folder, symlinks=True)
    return folders


def finished_tables(folder, spec):
    """The tables of a figure's conditions, as the workflow gives them to it."""
    results, tables = folder / RESULTS, FIGURES[spec["kind"]].tables
    if tables == "medians":
        return {name: read_tables([results / f"tables/{name}.csv"]) for name in spec["conditions"]}
    if tables == "transfer":
        return {tables: read_tables([results / "tables/transfer.csv"])}
    folders = {name: results / "evaluate" / name for name in spec["conditions"]}
    if tables in ("probes", "responses", "decoding"):
        return {name: read_tables([at / f"{tables}.parquet"]) for name, at in folders.items()}
    others = ("probes", "responses", "decoding", "transfer")
    return {
        name: read_tables(path for path in sorted(at.glob("*.parquet")) if path.stem not in others)
        for name, at in folders.items()
    }


@contextmanager
def restored(folder):
    """The folder as it was, times of change included, however it is left."""
    copy = folder.with_name("original")
    shutil.copytree(folder, copy, symlinks=True)
    try:
        yield
    finally:
        shutil.rmtree(folder)
        copy.rename(folder)
