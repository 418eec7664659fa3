"""Fixtures that several test files share."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from bench.kills import RESULTS as RESULTS
from bench.kills import ROOT as ROOT
from bench.kills import clone as clone
from workflow.status import load_config

from icnewton.files import read_tables
from icnewton.pipeline.experiment import Experiment, run_name


@pytest.fixture
def schema():
    """The schema of the configuration."""
    with open("workflow/schemas/config.schema.yaml", encoding="utf-8") as file:
        return yaml.safe_load(file)


@pytest.fixture
def smoke():
    """The smoke configuration."""
    return load_config("smoke")


@pytest.fixture
def tiny_run(smoke, schema):
    """The plain values of the smoke scale's two-layer LSA run."""
    runs = Experiment.check(smoke, schema).runs()
    return next(run.to_json() for run in runs.values() if run_name(run) == "lsa_layers2_seed0")


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


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Two folders in which the whole workflow has run."""
    folders = [clone(tmp_path_factory.mktemp("clone") / name) for name in ("one", "two")]
    for folder in folders:
        result = snakemake(folder)
        assert result.returncode == 0, result.stderr
    return folders


def finished_tables(folder, spec):
    """The tables of a figure's conditions, as the workflow gives them to it."""
    if spec["kind"] in ("curves", "headline") or spec["kind"].startswith("logistic"):
        return {
            name: read_tables([folder / RESULTS / f"tables/{name}.csv"])
            for name in spec["conditions"]
        }
    suffix = ".parquet" if spec["kind"] in ("similarity", "ablation") else ".probe.parquet"
    return {
        name: read_tables(
            path
            for path in sorted((folder / RESULTS / "evaluate" / name).glob(f"*{suffix}"))
            if suffix == ".probe.parquet" or ".probe" not in path.name
        )
        for name in spec["conditions"]
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
