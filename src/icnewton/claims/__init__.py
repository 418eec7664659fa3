"""The paper's claims, each beside a measured number, a criterion and a verdict that the data
decide.
"""

from icnewton.claims.parts.evidence import Comparison, Evidence, Row
from icnewton.claims.parts.render import assess, caption, html, table

__all__ = ["Comparison", "Evidence", "Row", "assess", "caption", "html", "table"]
