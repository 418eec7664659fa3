"""MODEL of a command line: a released model, a folder, or a construction and its settings.

A construction is written ``least_squares:d=3,n=12,steps=4``. What stands behind the colon are the
settings of ``icnewton.build`` and the prompts that it is built for (protocol, kappa, noise, mu, d,
n). Constants that are not given suit those prompts. A pair is written ``spectrum=2..300``.
"""

import inspect
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icnewton.models.model import Card, Model
    from icnewton.problems.parts.condition import Condition

HELP = (
    "a released model (see icnewton models), the folder of a model, or a construction and its "
    "settings such as least_squares:d=3,n=12,steps=4"
)
OF_PROMPTS = ("protocol", "kappa", "noise", "mu", "d", "n")
CONSTANTS = {"alpha", "spectrum", "upper", "gammas"}  # each says for which prompts it is built
USUAL = {"linear": "normalised", "logistic": "bounded"}


@dataclass(frozen=True)
class Found:
    """A model with its name, and the condition of the prompts that it was made for."""

    name: str
    model: "Model"
    condition: "Condition | None"

    def asked(self, given: Mapping[str, Any]) -> "Condition":
        """The condition with the values that were given, those that are not None.

        Raises ValueError in one sentence for wrong ones, and if the model answers no prompts.
        """
        from icnewton.problems.parts.parse import parse_condition

        if self.condition is None:
            takes = ", ".join(self.model.format.inputs)
            expected = "a model that answers prompts (x, y)"
            raise ValueError(f"MODEL: expected {expected}, found {self.name}, which takes {takes}")
        changes = {key: value for key, value in given.items() if value is not None}
        return parse_condition(self.condition.to_json() | changes)


def prompt_arguments(parser: ArgumentParser) -> None:
    """MODEL, and the prompts that it is asked."""
    parser.add_argument("model", metavar="MODEL", help=HELP)
    parser.add_argument("--protocol", help="law of the examples; by default that of its training")
    parser.add_argument("--kappa", type=float, help="condition number of the covariance")
    parser.add_argument("--noise", type=float, help="of the labels of linear regression")
    parser.add_argument("--mu", type=float, help="regularisation of logistic regression")
    parser.add_argument("--n", type=int, help="examples of a prompt")
    parser.add_argument("--seed", type=int, default=0, help="of the prompts (default: 0)")


def given(options: Any) -> dict[str, Any]:
    """What of the condition a command line gives."""
    return {name: getattr(options, name) for name in ("protocol", "kappa", "noise", "mu", "n")}


def find(word: str) -> Found:
    """The model of a word; raises ValueError in one sentence if there is none."""
    from icnewton import load
    from icnewton.constructions import CONSTRUCTIONS

    family, colon, text = word.partition(":")
    if colon and family in CONSTRUCTIONS:
        return _construct(word, family, parse_settings(text))
    if colon:
        known = ", ".join(CONSTRUCTIONS)
        raise ValueError(f"MODEL: expected one of {known} before the colon, found {family!r}")
    model = load(word)
    return Found(word, model, condition_of(model.card))


def parse_settings(text: str) -> dict[str, Any]:
    """The settings in ``d=3,step=chebyshev,spectrum=2..300``."""
    settings: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals or not name or name in settings:
            raise ValueError(f"MODEL: expected settings such as d=3,n=12, found {part!r}")
        settings[name] = _value(value)
    return settings


def _value(text: str) -> Any:
    low, dots, high = text.partition("..")
    if dots:
        return [_value(low), _value(high)]
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return {"true": True, "false": False}.get(text, text)


def _construct(word: str, family: str, settings: Mapping[str, Any]) -> Found:
    from icnewton.constructions import CONSTRUCTIONS, build

    entry, condition = CONSTRUCTIONS[family], None
    own = dict(settings)
    if entry.problem is not None:
        condition = _condition(entry.problem, {k: v for k, v in own.items() if k in OF_PROMPTS})
        taken = inspect.signature(entry.build).parameters
        sizes = {k: v for k, v in condition.to_json().items() if k in taken}
        own = {key: value for key, value in own.items() if key not in OF_PROMPTS}
        if entry.suited and not CONSTANTS & own.keys():
            own = {**entry.suited(condition, own), **own}
            own.pop("scalars", None)  # a choice of what suits
        own = sizes | own
    try:
        return Found(word, build(family, **own), condition)
    except TypeError as error:
        raise ValueError(f"MODEL: {family}: {error}") from None


def _condition(problem: str, values: Mapping[str, Any]) -> "Condition":
    """A condition of these values, and else of the usual ones."""
    from icnewton.problems import PROBLEMS
    from icnewton.problems.parts.parse import parse_condition

    d, n = PROBLEMS[problem].sizes
    usual = {"protocol": USUAL.get(problem, "normalised"), "kappa": 10.0, "d": d, "n": n}
    return parse_condition({"problem": problem} | usual | dict(values))


def condition_of(card: "Card") -> "Condition | None":
    """The condition that a learned model was trained on, or one of a built model's sizes.

    None for a model that answers no prompts, and where the card does not say what it was made for.
    """
    from icnewton.constructions import CONSTRUCTIONS
    from icnewton.problems.parts.parse import parse_condition

    try:
        if card.kind == "learned":
            return parse_condition(card.origin["run"]["condition"])
        problem = CONSTRUCTIONS[card.family].problem
        if problem is None:
            return None
        values = {**card.format, **card.origin}
        return _condition(problem, {k: values[k] for k in ("d", "n", "mu") if k in values})
    except (LookupError, TypeError, ValueError):
        return None
