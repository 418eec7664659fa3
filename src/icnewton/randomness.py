"""Random streams by name: no generator is shared, and none is global."""

import hashlib

import torch

from icnewton.typed import scalar


def generator(*keys: object, device: str | torch.device = "cpu") -> torch.Generator:
    """A random stream of its own for each tuple of keys, such as ``("evaluation", condition, 0)``.

    Keys are told apart by ``repr``, where a numpy number is as Python's, and conditions by the name
    of their stream. Equal keys give equal streams on every machine.
    """
    words = [getattr(key, "stream", None) or repr(scalar(key)) for key in keys]
    text = f"({', '.join(words)}{',' * (len(words) == 1)})"
    digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest))
