"""What a construction takes in memory, known before a weight is made."""

from collections.abc import Sequence

from icnewton.models.config import MOST, TransformerConfig

BUDGET = 2**30  # bytes of weights


def afford_depth(layers: int) -> None:
    """Raise ValueError if a transformer may not store so many layers, before any is listed."""
    if layers > MOST["depth"]:
        raise ValueError(f"steps must make at most {MOST['depth']} layers, found {layers}")


def afford(config: TransformerConfig, budget: int) -> None:
    """Raise ValueError if the float64 weights of a transformer are more than ``budget`` bytes."""
    planned = weight_bytes(config.width, config.heads * config.head_dim, config.hidden_widths)
    if planned > budget:
        hidden = max(config.hidden_widths, default=0)
        raise ValueError(
            f"the weights must take at most budget = {budget} bytes, found {planned} "
            f"(width {config.width}, depth {config.depth}, hidden width {hidden}); "
            "a larger budget may be given"
        )


def weight_bytes(width: int, inner: int, hidden_widths: Sequence[int]) -> int:
    """Bytes of float64 weights.

    A layer has four maps of attention, and two maps with biases if it has a feed-forward network.
    """
    attention = 4 * width * inner
    networks = sum(2 * width * hidden + hidden + width for hidden in hidden_widths if hidden)
    return 8 * (attention * len(hidden_widths) + networks)


def most_cells(width: int, budget: int) -> int:
    """How many neurons fit into a budget; each has a weight from and to every row."""
    return budget // (16 * width)
