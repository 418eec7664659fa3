"""Models in folders as the Hugging Face Hub has them: ``config.json`` and ``model.safetensors``.

The two are a model's card and weights under other names, byte for byte.
"""

from pathlib import Path

from icnewton.files import write_together
from icnewton.models.weights import CARD, CONFIG, TENSORS, files_of

README = "README.md"


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
