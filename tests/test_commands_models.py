"""icnewton models, train and export: nothing is lost on the way."""

import json

import pytest
import torch
import yaml
from conftest import ROOT
from test_commands import BUILT, ENCODER, RELEASED

import icnewton
from icnewton.commands.models import listed
from icnewton.commands.parts.model import find
from icnewton.commands.parts.model_card import front_matter
from icnewton.training.api import condition_of
from icnewton.training.checkpoint import save_checkpoint
from icnewton.training.runs import Run
from icnewton.training.step import start


def test_models_lists_every_released_one(asked):
    rows = json.loads(asked("models", "--json")[1])
    assert {row["model"] for row in rows} == {
        str(card.parent.relative_to(ROOT / "released"))
        for card in (ROOT / "released").glob("*/*/card.json")
    }
    some = asked("models", "kappa10_", "lsa_layers2")[1].splitlines()[1:]
    assert some and all("kappa10_" in line for line in some if line.startswith("norm"))


def test_an_error_of_other_weights_is_not_shown(tmp_path):
    folder = tmp_path / RELEASED
    icnewton.save(icnewton.load(RELEASED), folder)
    digest = json.loads((folder / "card.json").read_text(encoding="utf-8"))["weights"]["blake2b"]
    for weights, error in ((digest, 0.5), ("0" * 32, None)):
        (tmp_path / "errors.csv").write_text(
            "model,quantity,median,prompts,covariances,weights\n"
            f"{RELEASED},error,0.5,64,4,{weights}\n",
            encoding="utf-8",
        )
        (row,) = listed(tmp_path)
        assert row["error"] == error and row["layers"] == 2


def test_train_saves_a_model_and_never_over_another(asked, tmp_path):
    words = ["train", "lsa", "--layers", 1, "--steps", 20, "--d", 3, "--n", 9, "-o", tmp_path / "m"]
    code, said, _ = asked(*words)
    assert code == 0 and "final loss" in said
    model = icnewton.load(tmp_path / "m")
    assert model.card.origin["run"]["recipe"]["steps"] == 20
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "card.json", "weights.safetensors",
    ]  # fmt: skip
    before = (tmp_path / "m/weights.safetensors").read_bytes()
    code, _, complaint = asked(*words[:-1], tmp_path / "m", "--seed", 1)
    assert code == 1 and "expected a folder without a model" in complaint
    assert (tmp_path / "m/weights.safetensors").read_bytes() == before


def test_train_goes_on_from_its_checkpoint_and_keeps_that_of_another(asked, tmp_path):
    condition = condition_of("linear", "normalised", 10.0, 3, 9, {})
    run = Run("lsa", condition, 1, 0, icnewton.Recipe.named("fast", steps=20))
    checkpoint = tmp_path / "m/checkpoint.safetensors"
    save_checkpoint(checkpoint, start(run, "cpu"), [], run, "another code")
    words = ["train", "lsa", "--layers", 1, "--steps", 20, "--d", 3, "--n", 9, "-o", tmp_path / "m"]
    before = checkpoint.read_bytes()
    code, _, complaint = asked(*words)
    assert code == 1 and "made by other code" in complaint and "choose another" in complaint
    assert checkpoint.read_bytes() == before


@pytest.mark.parametrize("name", [RELEASED, ENCODER, BUILT, "inverse:d=3,steps=2,symmetric=true"])
def test_an_exported_model_is_the_same(asked, tmp_path, name):
    out = tmp_path / "hub"
    assert asked("export", name, "-o", out)[0] == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    model = find(name).model
    loaded = icnewton.load(out)
    if ":" not in name:
        for theirs, ours in (("model", "weights"), ("config", "card")):
            suffix = {"model": "safetensors", "config": "json"}[theirs]
            original = ROOT / "released" / name / f"{ours}.{suffix}"
            assert (out / f"{theirs}.{suffix}").read_bytes() == original.read_bytes()
    for key, weight in model.transformer.state_dict().items():
        assert torch.equal(weight, loaded.transformer.state_dict()[key])
    if (condition := find(name).condition) is not None:
        prompts = icnewton.sample(**condition.to_json(), prompts=3)
        assert torch.equal(model.answer(prompts.x, prompts.y), loaded.answer(prompts.x, prompts.y))
    _, front, text = (out / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    values = yaml.safe_load(front)
    assert values["license"] == "mit" and values["library_name"] == "icnewton"
    assert model.card.family in values["tags"] and "icnewton.load(" in text
    assert asked("export", name, "-o", out)[0] == 0  # the same model once more
    code, _, complaint = asked("export", "gdpp:d=2,steps=1", "-o", out)
    assert code == 1 and "expected a folder without another model" in complaint


def test_a_damaged_export_is_told(asked, tmp_path):
    asked("export", RELEASED, "-o", tmp_path / "hub")
    weights = tmp_path / "hub/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors: expected the digest in the card"):
        icnewton.load(tmp_path / "hub")


def test_a_known_error_goes_into_the_model_card():
    found = find(RELEASED)
    error = {"quantity": "error", "error": 0.25, "prompts": 64}
    (index,) = front_matter("m", found.model.card, found.condition, error)["model-index"]
    (metric,) = index["results"][0]["metrics"]
    assert metric["value"] == 0.25 and metric["name"] == "median squared error over tr Σ"
