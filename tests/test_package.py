"""The package on its own: installed from its wheel, away from any checkout."""

import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, clone

import icnewton

ASKED = """
import sys, warnings
from pathlib import Path
import icnewton
assert Path(icnewton.__file__).is_relative_to(sys.argv[1]), icnewton.__file__
assert {"sample", "train", "Recipe", "load", "build"} <= set(dir(icnewton))
prompts = icnewton.sample(protocol="normalised", kappa=10, d=3, n=12, noise=0.1, prompts=64, seed=1)
assert prompts.x.shape == (64, 13, 3)
recipe = icnewton.Recipe.named("fast", steps=40, warmup=10, width=16, heads=2, head_dim=8)
model = icnewton.train("lsa", layers=1, recipe=recipe, d=3, n=12, noise=0.1)
errors = model.error(prompts)
assert errors.shape == (64,) and (errors >= 0).all()
icnewton.save(model, "model")
assert (icnewton.load("model").error(prompts) == errors).all()
built = icnewton.build("least_squares", d=3, n=12, steps=20, alpha=1e-4)
import icnewton.pipeline.complaints
from icnewton.pipeline.schema import schema
assert schema()["properties"]["runs"]["items"]["properties"]["family"]["enum"]
assert "matplotlib.pyplot" not in sys.modules
for name in ("nothing/here", "normalised_kappa10_noise0/lsa_layers4_seed0"):
    try:
        icnewton.load(name)
    except ValueError as error:
        assert name in str(error)
    else:
        raise AssertionError(name)
"""


def packed(folder, hook):
    """What setuptools makes of a clone."""
    out = folder.parent / "out"
    code = f"import sys; from setuptools import build_meta as b; b.{hook}(sys.argv[1])"
    command = [sys.executable, "-c", code, str(out)]
    out.mkdir()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (made,) = out.iterdir()
    return made


def test_the_wheel_works_away_from_a_checkout(tmp_path):
    wheel, site = packed(clone(tmp_path / "clone"), "build_wheel"), tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site, wheel]
    subprocess.run(install, check=True, capture_output=True)
    home = tmp_path / "elsewhere"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-P", "-W", "error::UserWarning", "-c", ASKED, str(site)]
    result = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_the_source_distribution_passes_its_tests(tmp_path):
    """Those that need no git: the rest are about checkouts."""
    archive = packed(clone(tmp_path / "clone"), "build_sdist")
    shutil.unpack_archive(archive, tmp_path / "sdist", filter="data")
    (folder,) = (tmp_path / "sdist").iterdir()
    for name in ("Snakefile", "config.yaml", "docs/extending.md", "tests/conftest.py"):
        assert (folder / name).exists()
    tests = ["registries", "values", "claims", "figures", "engine", "theory", "weights", "logistic"]
    command = [sys.executable, "-m", "pytest", "-q", *(f"tests/test_{name}.py" for name in tests)]
    environment = {**os.environ, "PYTHONPATH": "src"}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout[-3000:]


def test_a_released_model_is_loaded_by_its_name(tmp_path, monkeypatch):
    name = "normalised_kappa10_noise0/lsa_layers3_seed0"
    monkeypatch.chdir(tmp_path)
    model = icnewton.load(name)
    whole = icnewton.load(ROOT / "released" / name)
    prompts = icnewton.sample(prompts=8)
    assert (model.error(prompts) == whole.error(prompts)).all()


def test_the_public_names_are_listed_and_there():
    assert {"build", "load", "save", "sample", "train", "Recipe"} <= set(dir(icnewton))
    assert all(getattr(icnewton, name) is not None for name in dir(icnewton))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = icnewton.nothing


def test_a_protocol_and_a_recipe_that_are_unknown_are_told_with_the_known():
    with pytest.raises(ValueError, match="protocol: expected one of bounded, normalised, unnorm"):
        icnewton.sample(protocol="paper")
    with pytest.raises(ValueError, match="recipe: expected one of authors, fast, unnormalised"):
        icnewton.train(layers=1, recipe="paper")
    with pytest.raises(ValueError, match="condition must have only the keys"):
        icnewton.sample(mu=0.1)
