"""Fixtures that several test files share."""

import pytest
import yaml

from icnewton.experiment import Experiment, run_name


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
