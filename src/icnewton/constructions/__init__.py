"""Transformers whose weights are written down, not learned: ``build(family, **settings)``."""

from collections.abc import Callable
from typing import Any

from icnewton.constructions.damped_newton import build_damped_newton
from icnewton.constructions.gradient_descent import build_gradient_descent
from icnewton.constructions.inverse import build_inverse
from icnewton.constructions.least_squares import build_least_squares
from icnewton.models.model import Model
from icnewton.typed import settings_of

FAMILIES: dict[str, Callable[..., Model]] = {
    "inverse": build_inverse,
    "least_squares": build_least_squares,
    "damped_newton": build_damped_newton,
    "gradient_descent": build_gradient_descent,
}


def build(family: str, **settings: Any) -> Model:
    """A built model in float64; families are inverse, least_squares, damped_newton and
    gradient_descent, with the settings of ``build_inverse`` and its like.

    Numbers may be numpy's or tensors of no dimension. Raises ValueError for an unknown family or
    settings outside a theorem's reach, TypeError for settings that a family does not have or lacks.
    """
    if family not in FAMILIES:
        raise ValueError(f"family must be one of {sorted(FAMILIES)}, found {family!r}")
    builder = FAMILIES[family]
    return builder(**settings_of(builder, settings))
