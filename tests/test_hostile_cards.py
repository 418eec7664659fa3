"""Cards that nest without end, and cards that ask for too much."""

import hashlib
import json
import resource
from contextlib import suppress

import pytest
from hostile import header, with_header
from test_hostile_models import forge, learned, models  # noqa: F401

import icnewton


@pytest.mark.parametrize("levels", [10, 100, 200, 300, 400, 450, *range(900, 1000, 7)])
def test_a_nest_in_a_card_is_refused_or_kept(tmp_path, models, levels):  # noqa: F811
    """In the origin, and where the weights hold the card: neither the reader nor the comparison
    falls through the stack.
    """
    text, weights = models[0][0].decode(), models[0][1]
    nest = "[" * levels + "]" * levels
    (tmp_path / "card.json").write_text(
        text.replace('"origin": {', f'"origin": {{"nest": {nest},', 1), encoding="utf-8"
    )
    (tmp_path / "weights.safetensors").write_bytes(weights)
    with suppress(ValueError):
        assert icnewton.load(tmp_path).card.origin["nest"]
    values, rest = header(weights)
    deep = with_header(
        values | {"__metadata__": {"card": values["__metadata__"]["card"].replace('"T4.2"', nest)}},
        rest,
    )
    (tmp_path / "weights.safetensors").write_bytes(deep)
    digest = {"blake2b": hashlib.blake2b(deep, digest_size=16).hexdigest()}
    (tmp_path / "card.json").write_text(
        json.dumps(json.loads(text) | {"weights": digest}), encoding="utf-8"
    )
    with pytest.raises(ValueError, match="expected"):
        icnewton.load(tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"depth": 10**9}, "depth must be at most 4096, found 1000000000"),
        ({"loops": 10**9}, "loops must be at most 100000, found 1000000000"),
        ({"loops": 10**5}, r"depth \* loops must be at most 100000, found 2 \* 100000"),
        ({"width": 10**12}, "width must be at most 1048576, found 1000000000000"),
        ({"hidden_width": 10**12}, "hidden_width must be at most 16777216"),
        (
            {"hidden_width": 2**24, "depth": 100, "width": 2**20},
            "blocks must have sizes that add up to the width 1048576",
        ),
        ({"hidden_width": 2**24, "depth": 100}, "bytes of weights, expected at most 8589934592"),
        ({"heads": -1}, "heads must be at least 1, found -1"),
        ({"scale": float("nan")}, "scale must be float, found nan"),
        ({"scale": 10**40}, "scale must be float, found 1000"),
        ({"layer_norm": 1}, "layer_norm must be bool, found 1"),
        ({"depth": True}, "depth must be int, found True"),
        ({"depth": 2.0}, "depth must be int, found 2.0"),
        (
            {"attention": "exec"},
            r"attention must be typing.Literal\['linear', 'softmax'\], found 'exec'",
        ),
        ({"query_as_key": None}, "query_as_key must be bool, found None"),
        ({"x" * 10**5: 1}, "TransformerConfig has no 'xxx"),
    ],
)
def test_a_card_that_asks_for_too_much_is_refused_before_memory_is_taken(tmp_path, config, message):
    model = learned()
    icnewton.save(model, tmp_path)
    values = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    values["config"] |= config
    card, weights = forge(values, (tmp_path / "weights.safetensors").read_bytes())
    (tmp_path / "card.json").write_bytes(card)
    (tmp_path / "weights.safetensors").write_bytes(weights)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        ValueError, match=f"card.json: expected a model card of this package, but .*{message}"
    ) as error:
        icnewton.load(tmp_path)
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
        and len(str(error.value)) < 800
    )
