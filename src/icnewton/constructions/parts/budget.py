"""What a construction takes, known before a weight is made."""

from collections.abc import Sequence

from icnewton.models.transformer import MOST, TransformerConfig

BUDGET = 2**30  # bytes of weights


def afford_depth(layers: int) -> None:
    """Raise ValueError if so many layers are more than a transformer may store; before they are
    even listed.
    """
    if layers > MOST["depth"]:
        raise ValueError(f"steps must make at most {MOST['depth']} layers, found {layers}")


def afford(config: TransformerConfig, budget: int) -> None:
    """Raise ValueError if the float64 weights of a transformer are more than ``budget`` bytes."""
    planned = weight_bytes(config.width, config.heads * config.head_dim, config.hidden_widths)
    if planned > budget:
        raise ValueError(
            f"the weights must take at most budget = {budget} bytes, found {planned} "
            f"(width {config.width}, depth {config.depth}, hidden width {max(config.hidden_widths, default=0)}); "
            "a larger budget may be given"
        )


def weight_bytes(width: int, inner: int, hidden_widths: Sequence[int]) -> int:
    """Bytes of float64 weights: four maps of attention a layer, two with biases of a feed-forward
    network.
    """
    attention = 4 * width * inner
    networks = sum(2 * width * hidden + hidden + width for hidden in hidden_widths if hidden)
    return 8 * (attention * len(hidden_widths) + networks)


def most_cells(width: int, budget: int) -> int:
    """Neurons that fit into a budget, with a weight from and one to each row of the stream."""
    return budget // (16 * width)
