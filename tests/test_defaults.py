"""A new field of a recipe or of an architecture, with a default, keeps every released model."""

import subprocess
import sys

from conftest import clone, environment_of
from edits import replaced

ASKED = """
from pathlib import Path
import icnewton
from icnewton.pipeline.complaints import check
from icnewton.pipeline.released import Supply
from icnewton.pipeline.schema import merged, schema
runs = check(merged("paper")).runs
missing = Supply.of(runs, "none", "cpu").missing
assert not [name for name in missing if Path("released", name).exists()]
run = next(iter(runs.values()))
assert run.recipe.novelty == 0 and run.transformer().config.novelty == 0
model = icnewton.load("normalised_kappa10_noise0/lsa_layers3_seed0")
assert model.card.config["novelty"] == 0
icnewton.save(model, "again")
assert icnewton.load("again").card.config == model.card.config
assert "novelty" in schema()["properties"]["runs"]["items"]["properties"]["set"]["properties"]
changed = check(merged("paper") | {"recipes": {"fast": {"lsa": {"novelty": 1}}}}).runs
assert len(Supply.of(changed, "none", "cpu").missing) > 20
"""


def test_a_new_field_with_a_default_keeps_every_released_model(tmp_path):
    folder = clone(tmp_path / "clone")
    field = "    novelty: Annotated[int, Within(0, 9), 'Something new.'] = 0\n"
    replaced(
        "src/icnewton/training/recipe.py",
        "\n    def __post_init__",
        f"{field}\n    def __post_init__",
    )(folder)
    replaced(
        "src/icnewton/models/config.py",
        "    loops: int = 1\n",
        "    loops: int = 1\n    novelty: int = 0\n",
    )(folder)
    command = [sys.executable, "-c", ASKED]
    result = subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
