"""icnewton: how well transformers emulate in-context Newton's method (arXiv 2403.03183), built and learned."""

from icnewton.constructions import build
from icnewton.models import Card, Model
from icnewton.transformer import Transformer, TransformerConfig
from icnewton.weights import load, save

__version__ = "0.1.0"
__all__ = ["Card", "Model", "Transformer", "TransformerConfig", "build", "load", "save"]
