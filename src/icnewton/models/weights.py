"""Models on disk: ``weights.safetensors`` and ``card.json`` in one folder. No pickle, so loading
runs no code.

The two know each other: the card holds the digest of the weights' file, and that file the card
without its origin (which may tell the time; the file is the same after every run). So no byte of
the one and nothing in the other that bears on what the model computes can change unnoticed. Sizes
are compared before memory is taken.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
from torch import Tensor

from icnewton.files import brief, write_together
from icnewton.models.model import JSON, Card, Model, assemble, from_card, kept
from icnewton.models.transformer import Transformer, TransformerConfig
from icnewton.typed import typed

T = TypeVar("T")
CHECKOUT = Path(__file__).parents[3]  # where the package lies in one
WEIGHTS, CARD = "weights.safetensors", "card.json"
LARGEST_CARD, LARGEST_HEADER, LARGEST_WEIGHTS = 2**20, 2**24, 2**33  # bytes


def save(model: Model, folder: str | Path) -> None:
    """Write a model's weights and card into ``folder``; both are complete before either replaces
    what was there.

    Raises ValueError if there are more bytes of weights than ``load`` takes, or something in the
    card that is not JSON.
    """
    folder = Path(folder).expanduser()
    _size(model.transformer)
    state = {
        name: tensor.detach().contiguous().cpu()
        for name, tensor in model.transformer.state_dict().items()
    }
    try:
        content = safetensors.torch.save(state, {"card": json.dumps(_bearing(model.card))})
        card = json.dumps(replace(model.card, weights=_digest(content)).to_json(), indent=2) + "\n"
    except TypeError as error:
        raise ValueError(
            f"{folder / CARD}: expected values that JSON can hold, found that {error}"
        ) from None
    write_together({folder / WEIGHTS: content, folder / CARD: card.encode()})


def load(folder: str | Path) -> Model:
    """The model in ``folder``, exactly as saved; in a checkout, a released one by its name, such as
    ``normalised_kappa10_noise0/lsa_layers4_seed0``.

    Raises ValueError, naming the file, if the card or the weights are missing, damaged or do not
    belong together.
    """
    folder = Path(folder).expanduser()
    if not folder.exists() and (CHECKOUT / "released" / folder / CARD).is_file():
        folder = CHECKOUT / "released" / folder
    try:
        return _load(folder / CARD, folder / WEIGHTS)
    except RecursionError:
        raise ValueError(
            f"{folder / CARD}: expected a model card of a few levels, found too many"
        ) from None


def _load(path: Path, weights: Path) -> Model:
    values = _read(
        path, LARGEST_CARD, lambda content: json.loads(content.decode()), "a model card in JSON"
    )
    try:
        card, format, transformer = from_card(values)
        largest = LARGEST_HEADER + _size(transformer)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: expected a model card of this package, but {brief(str(error))}"
        ) from None
    state, inner, digest = _read(weights, largest, _parse, "weights in safetensors format")
    expected, found = (
        {name: (tuple(t.shape), t.dtype) for name, t in s.items()}
        for s in (transformer.state_dict(), state)
    )
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            wanted, have = expected.get(name, "absent"), found.get(name, "nothing")
            raise ValueError(
                f"{weights}: expected {brief(name)} to be {wanted} as in the card, found {brief(have)}"
            )
    if card.weights != digest:
        raise ValueError(
            f"{weights}: expected the digest in the card, {brief(card.weights)}, found {digest}"
        )
    transformer.load_state_dict(state, assign=True)
    described = _bearing(assemble(format, transformer, **kept(card)).card)
    inner = _completed(inner)
    for truth, where in ((described, "the weights have"), (inner, f"{WEIGHTS} was saved with")):
        if difference := _difference(_bearing(card), truth):
            raise ValueError(f"{path}: expected what {where}, {difference}")
    return Model(format, transformer, card)


def _read(path: Path, largest: int, parse: Callable[[bytes], T], expected: str) -> T:
    """What a regular file of a bounded size holds; whatever is wrong with its bytes is one
    ValueError.
    """
    try:
        if not path.exists():
            raise ValueError("no such file" if path.parent.is_dir() else f"no folder {path.parent}")
        if not path.is_file():  # a pipe would keep the reader waiting, a device never end
            raise ValueError("something that is not a file")
        if (size := path.stat().st_size) > largest:
            raise ValueError(f"{size} bytes, more than {largest}")
        return parse(path.read_bytes())
    except (
        Exception
    ) as error:  # foreign bytes can break a parser in any way, and each means the same
        raise ValueError(
            f"{path}: expected {expected}, found {brief(str(error) or error)}"
        ) from None


def _parse(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any], JSON]:
    """The tensors in a file, the card in its header and the file's digest."""
    tensors = safetensors.torch.load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return (
        tensors,
        dict(json.loads(header.get("__metadata__", {}).get("card", "{}"))),
        _digest(content),
    )


def _digest(content: bytes) -> JSON:
    return {"blake2b": hashlib.blake2b(content, digest_size=16).hexdigest()}


def _size(transformer: Transformer) -> int:
    """Bytes of weights; raises ValueError if they are more than is meant."""
    size = sum(
        weight.numel() * weight.element_size() for weight in transformer.state_dict().values()
    )
    if size > LARGEST_WEIGHTS:
        raise ValueError(f"{size} bytes of weights, expected at most {LARGEST_WEIGHTS}")
    return size


def _bearing(card: Card) -> dict[str, Any]:
    """What bears on the answers: the card without the origin, which may hold the time, and the
    digest of the weights.
    """
    return {
        name: value for name, value in card.to_json().items() if name not in ("origin", "weights")
    }


def _completed(inner: dict[str, Any]) -> dict[str, Any]:
    """The card that weights were saved with, its architecture with defaults for what is not named."""
    try:
        return inner | {"config": asdict(typed(TransformerConfig, inner["config"]))}
    except (KeyError, TypeError, ValueError):
        return inner  # foreign, as the comparison will say


def _difference(found: Any, expected: Any, name: str = "") -> str:
    """The first thing in which two cards differ, the order of the blocks of a token included; empty
    if there is none.
    """
    if isinstance(found, dict) and isinstance(expected, dict) and list(found) == list(expected):
        parts = (
            _difference(found[key], expected[key], f"{name}.{key}".lstrip(".")) for key in found
        )
        return next(filter(None, parts), "")
    same = json.dumps(found) == json.dumps(expected)
    return "" if same else f"{name or 'the keys'} = {brief(expected)}, found {brief(found)}"
