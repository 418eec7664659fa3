"""For which prompts a model was made, and what can be said of its answers.

A theorem says it, or the model's training. A domain follows from a model's card alone, so a model
that was saved and loaded has the same domain.
"""

from collections.abc import Callable
from typing import Protocol

from icnewton.domains.check import Check as Check
from icnewton.domains.check import UnknownDomain
from icnewton.domains.inverse import inverse_domain
from icnewton.domains.learned import EncoderDomain, RegressionDomain
from icnewton.domains.least_squares import LeastSquaresDomain
from icnewton.domains.logistic import DampedNewtonDomain, GradientDescentDomain
from icnewton.domains.residual import DescentDomain, MinimaxDomain
from icnewton.models.model import Card


class Domain(Protocol):
    """The prompts for which a model was made."""

    @property
    def complaint(self) -> Callable[..., str]:
        """From the dtype of the weights and the inputs, a sentence if some prompt lies outside.

        It is empty if none does. Raises ValueError where an answer would be only rounding.
        """
        ...

    @property
    def check(self) -> Callable[..., Check]:
        """From a model, the inputs and a ``tolerance``, what can be said of the answers."""
        ...


BUILT: dict[str, Callable[[Card], Domain]] = {
    "inverse": inverse_domain,
    "least_squares": LeastSquaresDomain,
    "damped_newton": DampedNewtonDomain,
    "logistic_gradient_descent": GradientDescentDomain,
    "gdpp": DescentDomain,
    "minimax": MinimaxDomain,
}
LEARNED: dict[str, Callable[[Card], Domain]] = {
    "regression": RegressionDomain,
    "logistic": EncoderDomain,
    "hidden_label": EncoderDomain,
}


def domain_of(card: Card) -> Domain:
    """The domain of a model.

    It is an ``UnknownDomain`` where the card does not say what the model was made for, or says
    nonsense.
    """
    known = LEARNED.get(card.format["name"]) if card.kind == "learned" else BUILT.get(card.family)
    try:
        return known(card) if known else UnknownDomain()
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return UnknownDomain()
