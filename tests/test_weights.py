"""Models on disk come back exactly, and damaged or foreign files are refused in words."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import icnewton
from icnewton.files import write_atomically
from icnewton.training.runs import parse_run


@pytest.fixture
def model():
    return icnewton.build("least_squares", d=3, n=7, steps=2, alpha=0.01, ridge=0.1)


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("inverse", {"d": 3, "steps": 2, "symmetric": False}),
        ("inverse", {"d": 3, "steps": 2, "symmetric": True, "order": 3}),
        (
            "inverse",
            {"d": 3, "steps": 2, "symmetric": True, "step": "chebyshev", "spectrum": (0.5, 9.0)},
        ),
        (
            "least_squares",
            {"d": 3, "n": 7, "steps": 2, "step": "chebyshev", "spectrum": (0.5, 9.0)},
        ),
    ],
)
def test_round_trip(tmp_path, family, settings):
    model = icnewton.build(family, **settings)
    icnewton.save(model, tmp_path / "model")
    loaded = icnewton.load(tmp_path / "model")
    inputs = (torch.randn(2, 8, 3), torch.randn(2, 7))
    if family == "inverse":
        inputs = (torch.eye(3).expand(2, -1, -1),) * len(model.format.inputs)
    assert torch.equal(model(*inputs), loaded(*inputs))
    assert loaded.card.to_json() == json.loads(
        (tmp_path / "model" / "card.json").read_text(encoding="utf-8")
    )
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "card.json",
        "weights.safetensors",
    ]


def test_learned_round_trip(tmp_path, tiny_run):
    run = parse_run(tiny_run)
    from icnewton.models.model import assemble

    model = assemble(
        run.format, run.transformer(), family="lsa", kind="learned", origin={"run": run.to_json()}
    )
    icnewton.save(model, tmp_path)
    x, y = torch.randn(4, 13, 3), torch.randn(4, 12)
    assert torch.equal(model(x, y), icnewton.load(tmp_path)(x, y))


def test_damage_is_refused_in_words(tmp_path, model):
    icnewton.save(model, tmp_path)
    weights, card = tmp_path / "weights.safetensors", tmp_path / "card.json"
    content = weights.read_bytes()
    with pytest.raises(ValueError, match=r"absent/card\.json: expected a model card in JSON"):
        icnewton.load(tmp_path / "absent")
    weights.write_bytes(content[:-8])
    with pytest.raises(
        ValueError, match=r"weights\.safetensors: expected weights in safetensors format"
    ):
        icnewton.load(tmp_path)
    weights.write_bytes(content)
    values = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(
        json.dumps(values | {"config": values["config"] | {"depth": 9}}), encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"weights\.safetensors: expected layers\.5\."):
        icnewton.load(tmp_path)
    card.write_text(json.dumps({"family": "least_squares"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"card\.json: expected a model card of this package"):
        icnewton.load(tmp_path)
    card.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"card\.json: expected a model card in JSON"):
        icnewton.load(tmp_path)


def test_a_failed_save_leaves_the_model_that_was_there(tmp_path, model, monkeypatch):
    """A found fault: the weights were replaced, then the card could not be written, and neither
    model could be loaded.
    """
    icnewton.save(model, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = icnewton.build("least_squares", d=3, n=7, steps=3, alpha=0.02)
    for origin in (
        {"alpha": np.float32(2e-3)},
        {"steps": np.int64(2)},
        {"x": torch.ones(2)},
        {"x": {1, 2}},
        {1j: 2},
    ):
        with pytest.raises(
            ValueError, match=r"card\.json: expected values that JSON can hold, found"
        ):
            icnewton.save(replace(other, card=replace(other.card, origin=origin)), tmp_path)
    with pytest.raises(ValueError, match=r"card\.json: expected values that JSON can hold, found"):
        icnewton.save(
            replace(other, card=replace(other.card, layers_per_step=np.int64(1))), tmp_path
        )
    full = "No space left on device"

    def fail(path, content):
        if path.name.startswith(".card"):
            raise OSError(full)
        return original(path, content)

    original = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match=full):
        icnewton.save(other, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_path_may_begin_with_a_tilde(tmp_path, model, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    icnewton.save(model, "~/models/one")
    assert icnewton.load("~/models/one").card == icnewton.load(tmp_path / "models/one").card


def test_a_missing_model_is_named(tmp_path, model):
    with pytest.raises(
        ValueError, match=r"none/card\.json: expected a model card in JSON, found no folder .*none$"
    ):
        icnewton.load(tmp_path / "none")
    icnewton.save(model, tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(
        ValueError, match=r"weights\.safetensors: expected weights .*, found no such file$"
    ):
        icnewton.load(tmp_path)


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old", encoding="utf-8")

    def fail(part):
        part.write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, fail)
    assert target.read_text(encoding="utf-8") == "old" and [p.name for p in tmp_path.iterdir()] == [
        "table.csv"
    ]
