"""icnewton: how well transformers emulate in-context Newton's method, built and learned.

The paper is arXiv 2403.03183.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icnewton.constructions import build
    from icnewton.constructions.parts.calibration import Calibration, calibrate
    from icnewton.constructions.parts.scalars import fit_gdpp
    from icnewton.estimators.least_squares import InContextLeastSquares
    from icnewton.estimators.logistic import InContextLogisticRegression
    from icnewton.evaluation.api import Extraction, extract
    from icnewton.inside.walk import explain
    from icnewton.models.config import TransformerConfig
    from icnewton.models.model import Card, Model, OutsideDomain, OutsideDomainWarning
    from icnewton.models.transformer import Transformer
    from icnewton.models.weights import load, save
    from icnewton.training.api import sample, train
    from icnewton.training.recipe import Recipe

__version__ = "0.1.0"
__all__ = [
    "Calibration",
    "Card",
    "Extraction",
    "InContextLeastSquares",
    "InContextLogisticRegression",
    "Model",
    "OutsideDomain",
    "OutsideDomainWarning",
    "Recipe",
    "Transformer",
    "TransformerConfig",
    "build",
    "calibrate",
    "explain",
    "extract",
    "fit_gdpp",
    "load",
    "sample",
    "save",
    "train",
]

_HOMES = {
    "constructions": ("build",),
    "constructions.parts.calibration": ("Calibration", "calibrate"),
    "constructions.parts.scalars": ("fit_gdpp",),
    "inside.walk": ("explain",),
    "estimators.least_squares": ("InContextLeastSquares",),
    "estimators.logistic": ("InContextLogisticRegression",),
    "evaluation.api": ("Extraction", "extract"),
    "models.model": ("Card", "Model", "OutsideDomain", "OutsideDomainWarning"),
    "models.transformer": ("Transformer", "TransformerConfig"),
    "models.weights": ("load", "save"),
    "training.api": ("sample", "train"),
    "training.recipe": ("Recipe",),
}


def __getattr__(name: str) -> Any:
    """Public names on demand, so that a job that draws a figure need not import torch."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for completion."""
    return [*__all__, "__version__"]
