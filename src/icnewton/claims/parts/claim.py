"""A claim, and all that there are: the entries of the modules of ``icnewton.claims``.

A module holds ``ENTRIES``, claims by their names, in the order of the table. Modules come in the
order of their ``PLACE``, those without one last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from math import inf
from pkgutil import iter_modules

from icnewton.claims.parts.evidence import Evidence, Row
from icnewton.claims.parts.scope import Scope

PACKAGE = "icnewton.claims"


@dataclass(frozen=True)
class Claim:
    """A statement that data decide.

    statement: in one sentence. measure: from the evidence to rows, which name the claim; claims may
    share it. scope: the conditions and models that it speaks of; None for claims about what needs
    no learned model. figures: kinds of figures that show its numbers.
    """

    statement: str
    measure: Callable[[Evidence], Iterator[Row]]
    scope: Scope | None = None
    figures: tuple[str, ...] = ()


def claim_modules() -> list[str]:
    """The full names of the modules that hold claims, by which a digest covers their code."""
    found = iter_modules(import_module(PACKAGE).__path__, f"{PACKAGE}.")
    return sorted(module.name for module in found if not module.ispkg)


@cache
def all_claims() -> dict[str, Claim]:
    """Every claim by its name, in the order of the table; raises ValueError for a name that two
    modules have.
    """
    modules = [import_module(name) for name in claim_modules()]
    claims: dict[str, Claim] = {}
    for module in sorted(modules, key=lambda module: getattr(module, "PLACE", inf)):
        if twice := claims.keys() & module.ENTRIES.keys():
            raise ValueError(f"{module.__name__}: other claims have the names {sorted(twice)}")
        claims |= module.ENTRIES
    return claims
