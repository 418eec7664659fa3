"""The paper's claims, each beside a measured number, a criterion and a verdict that the data
decide.

An entry is a ``Claim``; ``assess`` finds those of every module of this package.
"""

from icnewton.claims.parts.claim import Claim, all_claims, claim_modules
from icnewton.claims.parts.evidence import Comparison, Evidence, Row
from icnewton.claims.parts.render import assess, caption, html, table
from icnewton.claims.parts.scope import Facts, Scope

__all__ = [
    "Claim",
    "Comparison",
    "Evidence",
    "Facts",
    "Row",
    "Scope",
    "all_claims",
    "assess",
    "caption",
    "claim_modules",
    "html",
    "table",
]
