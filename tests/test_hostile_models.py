"""Bad and hostile files of weights: 200 damaged models, refused in words or rightly taken."""

import hashlib
import json
import os
import re
import resource
from collections import Counter
from contextlib import suppress

import pytest
import torch
from hostile import change, damage_bytes, fuzz, header, places, plain, with_header
from hypothesis import given
from hypothesis import strategies as st

import icnewton
from icnewton.models.model import assemble
from icnewton.pipeline.complaints import check
from icnewton.pipeline.schema import merged

SMOKE = merged("smoke")


def learned():
    run = next(run for name, run in check(SMOKE).runs.items() if "softmax_layers2" in name)
    return assemble(
        run.format,
        run.transformer(),
        family="softmax",
        kind="learned",
        origin={"run": run.to_json()},
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Saved models as (card, weights, inputs, answer)."""
    x, y = (
        torch.linspace(-0.4, 0.4, 16, dtype=torch.float64).view(1, 8, 2),
        torch.ones(1, 8, dtype=torch.float64),
    )
    built = [
        (icnewton.build("least_squares", d=2, n=7, steps=2, alpha=0.1), (x, y[:, 1:])),
        (icnewton.build("inverse", d=2, steps=1, symmetric=True, order=3), (x[:, :2], x[:, 2:4])),
        (
            icnewton.build("damped_newton", d=2, n=8, mu=1.0, steps=2, error=0.05, looped=True),
            (x, y),
        ),
        (learned(), (x.repeat(1, 1, 3)[..., :5], y)),
    ]
    saved = []
    for model, inputs in built:
        folder = tmp_path_factory.mktemp("model")
        icnewton.save(model, folder)
        saved.append(
            (
                *((folder / name).read_bytes() for name in ("card.json", "weights.safetensors")),
                inputs,
                model(*inputs),
            )
        )
    return saved


def forge(card, weights):
    """Weights and card that vouch for each other, as a stranger's would."""
    values, rest = header(weights)
    inner = {name: value for name, value in card.items() if name not in ("origin", "weights")}
    forged = with_header(values | {"__metadata__": {"card": json.dumps(inner)}}, rest)
    card = card | {"weights": {"blake2b": hashlib.blake2b(forged, digest_size=16).hexdigest()}}
    return json.dumps(card).encode(), forged


def damage_model(data, card, weights, models):
    """The two files of a model, one of them changed, or both by somebody who knows how they vouch
    for each other.
    """
    match data.draw(
        st.sampled_from(
            ["weights", "card", "values", "values", "header", "forged", "forged", "swapped"]
        )
    ):
        case "weights":
            return card, damage_bytes(data, weights, [m[1] for m in models])
        case "card":
            return damage_bytes(data, card, [m[0] for m in models]), weights
        case "values":
            values = json.loads(card)
            change(data, values, plain)
            return json.dumps(values).encode(), weights
        case "header":
            values, rest = header(weights)
            change(data, values, plain)
            return card, with_header(values, rest)
        case "forged":
            values = json.loads(card)
            change(data, values[data.draw(st.sampled_from(["config", "format"]))], plain)
            return forge(values, weights)
        case _:
            return weights, card


def assert_same_or_foreign(model, original, forged):
    """What was loaded computes what the original does; a stranger's model may compute something
    else, or refuse the prompt.
    """
    card, _, inputs, answer = original
    if not forged:
        assert torch.equal(model(*inputs), answer)
        assert json.loads(json.dumps(model.card.to_json() | {"origin": 0})) == json.loads(card) | {
            "origin": 0
        }
    elif model.card.depth < 100:
        with suppress(
            ValueError, RuntimeError, KeyError
        ):  # another d or n, or blocks of another name
            assert isinstance(model(*inputs), torch.Tensor)


def test_200_damaged_models(tmp_path, models):
    counts = Counter()

    @fuzz(200)
    @given(st.data())
    def check(data):
        original = data.draw(st.sampled_from(models))
        card, weights = damage_model(data, *original[:2], models)
        (tmp_path / "card.json").write_bytes(card)
        (tmp_path / "weights.safetensors").write_bytes(weights)
        try:
            model = icnewton.load(tmp_path)
        except ValueError as error:
            assert type(error) is ValueError, repr(error)
            text = str(error).removeprefix(f"{tmp_path}/")
            assert re.fullmatch(
                r"(card\.json|weights\.safetensors): expected .+(found|but) .+", text
            ), text
            assert len(text) < 800
            counts["refused"] += 1
        else:
            counts["accepted"] += 1
            assert_same_or_foreign(model, original, weights != original[1])

    check()
    print(f"\ndamaged models: {dict(counts)}")
    assert counts["refused"] > 100 and counts["accepted"] > 0


def test_every_changed_byte_of_the_weights_is_refused(tmp_path, models):
    card, weights, _, _ = models[1]
    (tmp_path / "card.json").write_bytes(card)
    spots = [*range(64), *range(64, len(weights), 13)]
    for place in spots:
        changed = bytearray(weights)
        changed[place] ^= 1 << place % 8
        (tmp_path / "weights.safetensors").write_bytes(changed)
        with pytest.raises(ValueError, match=r"weights\.safetensors: expected"):
            icnewton.load(tmp_path)
    print(f"\nchanged bytes: {len(spots)} refused")


def test_every_changed_value_of_the_card_is_refused_save_the_origin(tmp_path, models):
    for card, weights, _, _ in models:
        (tmp_path / "weights.safetensors").write_bytes(weights)
        for index, (container, key) in enumerate(places(json.loads(card))):
            values = json.loads(card)
            container, key = list(places(values))[index]
            if container is values.get("origin") or key == "origin" or "origin" not in values:
                continue
            if any(
                container is inner or container is values["origin"]
                for inner, _ in places(values["origin"])
            ):
                continue
            value = container[key]
            container[key] = (
                not value
                if isinstance(value, bool)
                else value + 1
                if isinstance(value, int | float)
                else "other"
            )
            (tmp_path / "card.json").write_text(json.dumps(values), encoding="utf-8")
            with pytest.raises(
                ValueError, match=r"card\.json: expected|weights\.safetensors: expected"
            ):
                icnewton.load(tmp_path)


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
@pytest.mark.parametrize(
    "kind",
    ["folder", "pipe", "device", "loop", "empty", "nest", "digits", "bytes", "sparse", "pickle"],
)
def test_what_is_no_file_of_ours_is_refused(tmp_path, models, name, kind):
    """In particular nothing waits for a pipe, reads a device without end, takes memory for a lie or
    runs a pickle.
    """
    for file, content in zip(("card.json", "weights.safetensors"), models[0][:2], strict=True):
        (tmp_path / file).write_bytes(content)
    path, trap = tmp_path / name, tmp_path / "trap"
    path.unlink()
    contents = {
        "empty": b"",
        "nest": b"[" * 10**6,
        "digits": b"9" * 5000,
        "bytes": b"\xff\xfe" * 100,
        "pickle": b"cos\nsystem\n(S'touch " + bytes(trap) + b"'\ntR.",
    }
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
        case "sparse":
            path.touch()
            os.truncate(path, 2**40)
        case _:
            path.write_bytes(contents[kind])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ValueError,
        match=f"{name}: expected a? ?(model card in JSON|weights in safetensors format), found",
    ):
        icnewton.load(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert not trap.exists()
