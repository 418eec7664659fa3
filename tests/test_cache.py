"""Two checkouts share trained models through Snakemake's cache, and only what is the same."""

import json

from conftest import RESULTS, clone, snakemake

from icnewton.pipeline.records import set_aside, verify

MODEL = RESULTS / "train/normalised_kappa10_noise0/lsa_layers1_seed0"


def train(folder):
    result = snakemake(folder, "--cache", "train", "--", f"{MODEL}/weights.safetensors")
    assert result.returncode == 0, result.stderr
    return folder / MODEL


def test_checkouts_share_a_model_and_never_another_one(tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))
    first, second, other = (clone(tmp_path / name) for name in ("first", "second", "other"))
    trained, shared = train(first), train(second)
    for name in ("weights.safetensors", "card.json", "log.csv"):
        assert (trained / name).read_bytes() == (shared / name).read_bytes()
        assert (shared / name).is_symlink() and (
            shared / name
        ).resolve().parent == tmp_path / "cache"
    assert not (second / RESULTS / "checkpoints").exists()  # nothing was trained there
    assert verify(second / RESULTS) == (3, [])

    damaged = (shared / "weights.safetensors").resolve()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said = list(set_aside(second / RESULTS))
    assert (
        len(said) == 1
        and damaged.with_name(f"{damaged.name}.damaged").exists()
        and not damaged.exists()
    )
    assert (train(second) / "weights.safetensors").read_bytes() == damaged.read_bytes() and verify(
        second / RESULTS
    ) == (3, [])

    scale = other / "workflow/scales/smoke.yaml"
    scale.write_text(
        scale.read_text(encoding="utf-8").replace("steps: 60, warmup: 10", "steps: 50, warmup: 10"),
        encoding="utf-8",
    )
    config = other / "config.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace(
            "checkpoint_seconds: 30", "checkpoint_seconds: 5"
        ),
        encoding="utf-8",
    )
    own = train(other)
    assert (
        json.loads((own / "card.json").read_text(encoding="utf-8"))["origin"]["run"]["recipe"][
            "steps"
        ]
        == 50
    )
    assert (own / "weights.safetensors").read_bytes() != (
        trained / "weights.safetensors"
    ).read_bytes()

    schedule = second / "src/icnewton/training/schedule.py"
    schedule.write_text(
        schedule.read_text(encoding="utf-8").replace("0.5 *", "0.45 *"), encoding="utf-8"
    )
    assert (train(second) / "weights.safetensors").read_bytes() != (
        trained / "weights.safetensors"
    ).read_bytes()
    assert len(list((tmp_path / "cache").glob("*weights*.safetensors"))) == 3


def test_another_seed_is_another_model(tmp_path, monkeypatch):
    """Snakemake's cache hashes no wildcards: were the run not among the params, this would be the
    first model again.
    """
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))
    folder = clone(tmp_path / "folder")
    scale = folder / "workflow/scales/smoke.yaml"
    scale.write_text(
        scale.read_text(encoding="utf-8").replace("seeds: [0]", "seeds: [0, 1]", 1),
        encoding="utf-8",
    )
    weights = [
        f"{MODEL}/weights.safetensors".replace("seed0", f"seed{number}") for number in (0, 1)
    ]
    result = snakemake(folder, "--cache", "train", "--", *weights)
    assert result.returncode == 0, result.stderr
    first, second = ((folder / name).read_bytes() for name in weights)
    assert first != second
