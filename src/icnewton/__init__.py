"""icnewton: how well transformers emulate in-context Newton's method (arXiv 2403.03183), built and
learned.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icnewton.constructions import build
    from icnewton.models.model import Card, Model
    from icnewton.models.transformer import Transformer, TransformerConfig
    from icnewton.models.weights import load, save

__version__ = "0.1.0"
__all__ = ["Card", "Model", "Transformer", "TransformerConfig", "build", "load", "save"]

_HOMES = {
    "build": "constructions",
    "Card": "models.model",
    "Model": "models.model",
    "Transformer": "models.transformer",
    "TransformerConfig": "models.transformer",
    "load": "models.weights",
    "save": "models.weights",
}


def __getattr__(name: str) -> Any:
    """Public names on demand: a job that draws a figure need not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
