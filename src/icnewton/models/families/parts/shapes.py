"""The shapes of the paper's transformers (Sec. 6)."""

from typing import Any

from icnewton.models.config import TransformerConfig
from icnewton.models.families import Sizes


def linear_attention(sizes: Sizes, d: int, n: int, layers: int, **more: Any) -> TransformerConfig:
    """Linear self-attention on tokens (a_i, y_i), whose one output is the prediction.

    With ``mean_attention`` attention is divided by n * head_dim, with ``head_scale`` by
    sqrt(head_dim).
    """
    scale = sizes.head_dim**-0.5 if sizes.head_scale else 1.0
    return TransformerConfig(
        depth=layers,
        attention="linear",
        scale=1 / (n * sizes.head_dim) if sizes.mean_attention else scale,
        inputs=d + 1,
        outputs=1,
        **_common(sizes, n + 1),
        **more,
    )


def encoder(sizes: Sizes, d: int, n: int, layers: int, *, marked: bool = True) -> TransformerConfig:
    """nanoGPT's block without causal mask, LayerNorm first, on tokens (a_i, y_i, mark).

    The outputs are w. Without a mark there is no token of its own for it.
    """
    return TransformerConfig(
        depth=layers,
        attention="softmax",
        scale=sizes.head_dim**-0.5,
        layer_norm=True,
        inputs=d + 1 + marked,
        outputs=d,
        **_common(sizes, n + marked),
    )


def _common(sizes: Sizes, tokens: int) -> dict[str, Any]:
    return {
        "width": sizes.width,
        "heads": sizes.heads,
        "head_dim": sizes.head_dim,
        "hidden_width": sizes.hidden_width,
        "activation": sizes.activation,
        "clip": sizes.activation_clip,
        "query_as_key": sizes.query_as_key,
        "attention_bias": sizes.attention_bias,
        "end_bias": sizes.end_bias,
        "last_norm": sizes.last_norm,
        "positions": tokens if sizes.position_embeddings else 0,
    }
