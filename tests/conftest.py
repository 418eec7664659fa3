"""Fixtures that several test files share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from icnewton.experiment import Experiment, run_name

ROOT = Path(__file__).parent.parent
RESULTS = Path("results/smoke")


def load_config(scale):
    """The configuration of a scale, merged as the Snakefile merges it."""
    from snakemake.utils import update_config

    with open("config.yaml") as base, open(f"workflow/scales/{scale}.yaml") as overlay:
        config = yaml.safe_load(base)
        update_config(config, yaml.safe_load(overlay))
    return config | {"scale": scale}


@pytest.fixture
def schema():
    """The schema of the configuration."""
    with open("workflow/schemas/config.schema.yaml") as file:
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


def snakemake(folder, *arguments):
    """Run the workflow of a folder at smoke scale, with the profile that loads by itself."""
    command = [sys.executable, "-m", "snakemake", "--config", "scale=smoke", *arguments]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def clone(folder):
    """The files that a fresh clone would have."""
    ignore = shutil.ignore_patterns("results", ".*", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, folder, ignore=ignore, symlinks=True)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Two folders in which the whole workflow has run."""
    folders = [clone(tmp_path_factory.mktemp("clone") / name) for name in ("one", "two")]
    for folder in folders:
        result = snakemake(folder)
        assert result.returncode == 0, result.stderr
    return folders
