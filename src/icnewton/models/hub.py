"""Models in folders as the Hugging Face Hub has them: ``config.json`` and ``model.safetensors``.

The two are a model's card and weights under other names, byte for byte.
"""

from pathlib import Path

from icnewton.files import write_together
from icnewton.models.model import Model
from icnewton.models.weights import CARD, CHECKOUT, WEIGHTS, _load
from icnewton.models.weights import load as load_saved

CONFIG, TENSORS, README = "config.json", "model.safetensors", "README.md"


def load(folder: str | Path) -> Model:
    """The model in ``folder``, exactly as saved or exported.

    In a checkout the name of a released model will do, such as
    ``normalised_kappa10_noise0/lsa_layers4_seed0``. Raises ValueError, naming the file, if the card
    or the weights are missing, damaged or do not belong together.
    """
    card, weights = files_of(folder)
    return _load(card, weights) if card.name == CONFIG else load_saved(folder)


def files_of(folder: str | Path) -> tuple[Path, Path]:
    """Where a model's card and weights lie, whether or not they are there."""
    folder = Path(folder).expanduser()
    if not folder.exists() and (CHECKOUT / "released" / folder / CARD).is_file():
        folder = CHECKOUT / "released" / folder
    if (folder / CONFIG).is_file() and not (folder / CARD).exists():
        return folder / CONFIG, folder / TENSORS
    return folder / CARD, folder / WEIGHTS


def export(source: str | Path, folder: Path, readme: str) -> None:
    """Write the model in ``source``, a folder or a released name, for the Hub, with a model card.

    All files are complete before any replaces what was there. Raises ValueError if the folder holds
    another model.
    """
    card, weights = (path.read_bytes() for path in files_of(source))
    for name, content in ((CONFIG, card), (TENSORS, weights), (CARD, None)):
        path = folder / name
        if path.exists() and (content is None or path.read_bytes() != content):
            raise ValueError(f"{folder}: expected a folder without another model, found {path}")
    contents = {CONFIG: card, TENSORS: weights, README: readme.encode()}
    write_together({folder / name: content for name, content in contents.items()})
