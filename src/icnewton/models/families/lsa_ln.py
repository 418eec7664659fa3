"""Linear self-attention behind LayerNorm."""

from functools import partial

from icnewton.models.families import Family
from icnewton.models.families.parts.shapes import linear_attention

ENTRIES = {
    "lsa_ln": Family(
        title="trained LSA + LN",
        problem="linear",
        format="regression",
        architecture=partial(linear_attention, layer_norm=True),
    )
}
