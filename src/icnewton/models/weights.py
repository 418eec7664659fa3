"""Models on disk: ``weights.safetensors`` and ``card.json`` in one folder.

There is no pickle, so loading runs no code. The two files describe each other. The card holds the
digest of the weights' file. The weights' file holds the card without its origin, which may tell the
time; so the file is the same after every run. No byte of the weights, and nothing in the card that
bears on what the model computes, can therefore change unnoticed. Sizes are compared before memory
is taken.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
from torch import Tensor

from icnewton.files import brief, write_together
from icnewton.models.config import TransformerConfig
from icnewton.models.model import JSON, Card, Model, assemble, from_card, kept
from icnewton.models.transformer import Transformer
from icnewton.typed import typed

T = TypeVar("T")
CHECKOUT = Path(__file__).parents[3]  # where the package lies in one
WEIGHTS, CARD = "weights.safetensors", "card.json"
TENSORS, CONFIG = "model.safetensors", "config.json"  # the same on the Hugging Face Hub
LARGEST_CARD, LARGEST_HEADER, LARGEST_WEIGHTS = 2**20, 2**24, 2**33  # bytes


def save(model: Model, folder: str | Path) -> None:
    """Write a model's weights and card into ``folder``.

    Both are complete before either replaces what was there. Raises ValueError if there are more
    bytes of weights than ``load`` takes, or something in the card that is not JSON.
    """
    folder = Path(folder).expanduser()
    _size(model.transformer)
    state = {
        name: tensor.detach().contiguous().cpu()
        for name, tensor in model.transformer.state_dict().items()
    }
    path = folder / CARD
    try:
        content = safetensors.torch.save(state, {"card": json.dumps(_bearing(model.card))})
        card = json.dumps(replace(model.card, weights=_digest(content)).to_json(), indent=2) + "\n"
    except TypeError as error:
        raise ValueError(
            f"{path}: expected values that JSON can hold, found that {error}"
        ) from None
    write_together({folder / WEIGHTS: content, path: card.encode()})


def load(folder: str | Path) -> Model:
    """The model in ``folder``, exactly as saved or exported (``models/hub.py``).

    In a checkout the name of a released model will do, such as
    ``normalised_kappa10_noise0/lsa_layers4_seed0``. Raises ValueError, naming the file, if the card
    or the weights are missing, damaged or do not belong together.
    """
    path, weights = files_of(folder)
    try:
        return _load(path, weights)
    except RecursionError:
        raise ValueError(f"{path}: expected a model card of a few levels, found too many") from None


def files_of(folder: str | Path) -> tuple[Path, Path]:
    """Where a model's card and weights lie, whether or not they are there."""
    folder = Path(folder).expanduser()
    if not folder.exists() and (CHECKOUT / "released" / folder / CARD).is_file():
        folder = CHECKOUT / "released" / folder
    is_exported = (folder / CONFIG).is_file() and not (folder / CARD).exists()
    card, weights = (CONFIG, TENSORS) if is_exported else (CARD, WEIGHTS)
    return folder / card, folder / weights


def _load(path: Path, weights: Path) -> Model:
    values = _read(
        path, LARGEST_CARD, lambda content: json.loads(content.decode()), "a model card in JSON"
    )
    try:
        card, format, transformer = from_card(values)
        largest = LARGEST_HEADER + _size(transformer)
    except (TypeError, ValueError) as error:
        found = brief(str(error))
        raise ValueError(f"{path}: expected a model card of this package, but {found}") from None
    state, inner, digest = _read(weights, largest, _parse, "weights in safetensors format")
    _compare(weights, _shapes(transformer.state_dict()), _shapes(state))
    if card.weights != digest:
        wanted = brief(card.weights)
        raise ValueError(f"{weights}: expected the digest in the card, {wanted}, found {digest}")
    transformer.load_state_dict(state, assign=True)
    described = _bearing(assemble(format, transformer, **kept(card)).card)
    inner = _completed(inner)
    for truth, where in ((described, "the weights have"), (inner, f"{WEIGHTS} was saved with")):
        if difference := _difference(_bearing(card), truth):
            raise ValueError(f"{path}: expected what {where}, {difference}")
    return Model(format, transformer, card)


def _shapes(state: Mapping[str, Tensor]) -> dict[str, object]:
    return {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in state.items()}


def _compare(weights: Path, expected: dict[str, object], found: dict[str, object]) -> None:
    for name in sorted(expected.keys() | found.keys()):
        wanted, have = expected.get(name, "absent"), found.get(name, "nothing")
        if wanted != have:
            words = f"{brief(name)} to be {wanted} as in the card"
            raise ValueError(f"{weights}: expected {words}, found {brief(have)}")


def _read(path: Path, largest: int, parse: Callable[[bytes], T], expected: str) -> T:
    """What a regular file of a bounded size holds; any fault in its bytes is a ValueError."""
    try:
        if not path.exists():
            raise ValueError("no such file" if path.parent.is_dir() else f"no folder {path.parent}")
        if not path.is_file():  # a reader might wait for a pipe, or read a device, for ever
            raise ValueError("something that is not a file")
        if (size := path.stat().st_size) > largest:
            raise ValueError(f"{size} bytes, more than {largest}")
        return parse(path.read_bytes())
    # foreign bytes can break a parser in any way, and every way means the same
    except Exception as error:
        found = brief(str(error) or error)
        raise ValueError(f"{path}: expected {expected}, found {found}") from None


def _parse(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any], JSON]:
    """The tensors in a file, the card in its header and the file's digest."""
    tensors = safetensors.torch.load(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    card = dict(json.loads(header.get("__metadata__", {}).get("card", "{}")))
    return tensors, card, _digest(content)


def _digest(content: bytes) -> JSON:
    return {"blake2b": hashlib.blake2b(content, digest_size=16).hexdigest()}


def _size(transformer: Transformer) -> int:
    """Bytes of weights; raises ValueError if they are more than ``LARGEST_WEIGHTS``."""
    weights = transformer.state_dict().values()
    size = sum(weight.numel() * weight.element_size() for weight in weights)
    if size > LARGEST_WEIGHTS:
        raise ValueError(f"{size} bytes of weights, expected at most {LARGEST_WEIGHTS}")
    return size


def _bearing(card: Card) -> dict[str, Any]:
    """What of a card bears on the answers.

    The origin, which may hold the time, and the digest of the weights do not.
    """
    values = card.to_json()
    return {name: value for name, value in values.items() if name not in ("origin", "weights")}


def _completed(inner: dict[str, Any]) -> dict[str, Any]:
    """The card that weights were saved with, with defaults for what its config does not name."""
    try:
        return inner | {"config": asdict(typed(TransformerConfig, inner["config"]))}
    except (KeyError, TypeError, ValueError):
        return inner  # foreign, which the comparison reports


def _difference(found: Any, expected: Any, name: str = "") -> str:
    """The first thing in which two cards differ; empty if there is none.

    The order of the blocks of a token counts.
    """
    if isinstance(found, dict) and isinstance(expected, dict) and list(found) == list(expected):
        parts = (
            _difference(found[key], expected[key], f"{name}.{key}".lstrip(".")) for key in found
        )
        return next(filter(None, parts), "")
    same = json.dumps(found) == json.dumps(expected)
    return "" if same else f"{name or 'the keys'} = {brief(expected)}, found {brief(found)}"
