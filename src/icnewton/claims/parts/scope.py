"""What a claim speaks of. Conditions and models outside it are not applicable: they enter no
maximum and no verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from icnewton.problems.parts.condition import Condition


@dataclass(frozen=True)
class Facts:
    """What is known of a condition and of the learned models that were evaluated there.

    query_as_key: by method, whether its models attend to their query. recipes: by method, the name
    of their recipe. usual_sizes: whether d and n are those of the experiment.
    """

    condition: Condition
    query_as_key: Mapping[str, bool]
    recipes: Mapping[str, str]
    usual_sizes: bool = True


@dataclass(frozen=True)
class Scope:
    """The conditions and the methods that a claim speaks of.

    problem, methods, noiseless, least_kappa: its subject; whatever differs in these is another
    matter, and the table does not mention it. protocols, and the usual sizes: its setting; where
    they differ, the table says that the claim is not applicable. attending: methods that are
    evidence only where their models attend to their query; the same holds of them.
    """

    problem: str
    methods: tuple[str, ...]
    protocols: tuple[str, ...]
    noiseless: bool = False
    least_kappa: float = 1
    attending: tuple[str, ...] = ()

    def excludes(self, facts: Facts, method: str) -> str:
        """Why a method's answers at a condition are no evidence; empty if they are."""
        return self.other_subject(facts, method) or self.other_setting(facts, method)

    def other_subject(self, facts: Facts, method: str) -> str:
        """In what the claim's subject is another one; empty if it is not."""
        condition = facts.condition
        if condition.problem != self.problem:
            return f"the claim is about {self.problem} problems, not {condition.problem} ones"
        if method not in self.methods:
            return f"the claim is about {', '.join(self.methods)}, not {method}"
        if self.noiseless and getattr(condition, "noise", 0) != 0:
            return "the claim is about labels without noise"
        if condition.kappa < self.least_kappa:
            return f"the claim is about κ of at least {self.least_kappa:g}"
        return ""

    def other_setting(self, facts: Facts, method: str) -> str:
        """In what the claim's setting is another one; empty if it is not."""
        condition = facts.condition
        if condition.protocol not in self.protocols:
            protocols = ", ".join(self.protocols)
            return f"the claim is about the protocols {protocols}, not {condition.protocol}"
        if not facts.usual_sizes:
            return f"d = {condition.d}, n = {condition.n} are not the experiment's sizes"
        if method in self.attending and not facts.query_as_key[method]:
            recipe = facts.recipes.get(method, "unknown")
            return (
                f"the query of {method} is not among its keys (recipe {recipe}): "
                "but for clipping, its output is linear in the query by construction"
            )
        return ""
