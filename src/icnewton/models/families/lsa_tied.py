"""Linear self-attention with one layer, which is applied as often as the depth says."""

from dataclasses import replace

from icnewton.models.config import TransformerConfig
from icnewton.models.families import Family, Sizes
from icnewton.models.families.parts.shapes import linear_attention


def tied(sizes: Sizes, d: int, n: int, layers: int) -> TransformerConfig:
    """One layer of linear attention, ``layers`` times."""
    once = linear_attention(sizes, d, n, min(layers, 1))
    return replace(once, loops=max(layers, 1))


ENTRIES = {
    "lsa_tied": Family(
        title="trained LSA, tied layers",
        problem="linear",
        format="regression",
        architecture=tied,
        recipes="lsa",
    )
}
