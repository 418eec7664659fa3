"""Models on disk: ``weights.safetensors`` and ``card.json`` in one folder. No pickle, so loading runs no code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import safetensors
from safetensors.torch import load_file, save_file

from icnewton.files import write_atomically, write_json
from icnewton.models import Card, Model, from_card

T = TypeVar("T")
WEIGHTS, CARD = "weights.safetensors", "card.json"


def save(model: Model, folder: str | Path) -> None:
    """Write a model's weights and card into ``folder``, each atomically."""
    folder = Path(folder)
    state = {name: tensor.contiguous().cpu() for name, tensor in model.transformer.state_dict().items()}
    write_atomically(folder / WEIGHTS, lambda part: save_file(state, part))
    write_json(folder / CARD, model.card.to_json())


def load(folder: str | Path) -> Model:
    """The model in ``folder``, exactly as saved.

    Raises ValueError, naming the file, if the card or the weights are missing, damaged or do not belong together.
    """
    folder = Path(folder)
    card = _read(folder / CARD, lambda path: json.loads(path.read_text()), "a model card in JSON")
    try:
        format, transformer = from_card(card)
        parsed = Card(**card)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{folder / CARD}: expected a model card of this package, found one with {error!r}") from None
    state = _read(folder / WEIGHTS, load_file, "weights in safetensors format")
    expected = {name: (tuple(t.shape), t.dtype) for name, t in transformer.state_dict().items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in state.items()}
    if expected != found:
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        name = wrong[0]
        raise ValueError(
            f"{folder / WEIGHTS}: expected {name} to be {expected.get(name, 'absent')} as in the card, "
            f"found {found.get(name, 'nothing')}"
        )
    transformer.load_state_dict(state)
    return Model(format, transformer, parsed)


def _read(path: Path, reader: Callable[[Path], T], expected: str) -> T:
    try:
        return reader(path)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise ValueError(f"{path}: expected {expected}, found {error}") from None
