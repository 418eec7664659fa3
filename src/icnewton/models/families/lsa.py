"""Linear self-attention alone."""

from icnewton.models.families import Family
from icnewton.models.families.parts.shapes import linear_attention

ENTRIES = {
    "lsa": Family(
        title="trained LSA",
        problem="linear",
        format="regression",
        architecture=linear_attention,
    )
}
