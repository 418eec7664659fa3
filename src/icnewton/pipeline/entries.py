"""The modules of the entries that a job uses, which its digest of code covers besides what its
script imports.
"""

from collections.abc import Iterable

from icnewton.algorithms import ALGORITHMS
from icnewton.claims import claim_modules
from icnewton.constructions import CONSTRUCTIONS
from icnewton.evaluation.measurements import MEASUREMENTS
from icnewton.figures import FIGURES
from icnewton.models.families import FAMILIES
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.parse import modules_of
from icnewton.protocols import PROTOCOLS
from icnewton.training.runs import Run


def of_condition(condition: Condition) -> list[str]:
    """The problem and the protocol."""
    return modules_of(condition)


def of_family(family: str) -> list[str]:
    """The family."""
    return [FAMILIES.module(family)]


def of_run(run: Run) -> list[str]:
    """The condition's entries and the family."""
    return run.modules


def of_construction(family: str) -> list[str]:
    """The construction."""
    return [CONSTRUCTIONS.module(family)]


def of_algorithms(names: Iterable[str]) -> list[str]:
    """Some algorithms, and the constructions of which their layers are read off."""
    built = {ALGORITHMS[name].construction for name in names} - {None}
    constructions = [CONSTRUCTIONS.module(str(family)) for family in sorted(map(str, built))]
    return [*dict.fromkeys(ALGORITHMS.module(name) for name in names), *constructions]


def of_measurement(name: str) -> list[str]:
    """The measurement and the protocols of its prompts; what it builds it imports."""
    protocols = MEASUREMENTS[name].protocols
    return [MEASUREMENTS.module(name), *map(PROTOCOLS.module, protocols)]


def has_one_model(family: str) -> bool:
    """Whether one built model of a family gives the answers after every step."""
    return CONSTRUCTIONS[family].answers is not None


def of_figure(kind: str) -> list[str]:
    """The kind of a figure."""
    return [FIGURES.module(kind)]


def of_claims() -> list[str]:
    """All claims: each table of verdicts has every one."""
    return claim_modules()
