"""GD++ (``constructions/gdpp.py``) in the weights of a wider transformer of several heads.

Examples x and labels y lie in the first d + 1 rows of the stream, where the embedding puts them
unchanged, and the read-out is minus the query's label. In each layer the first head is that of
GD++. With attention scaled by s its query and key are p x, and its value (u x, v y) is subtracted
from the stream with the same factors again, where

    s p^2 u^2 = eta,      s p^2 v^2 = gamma,      p = v.

So matrices whose product is a scalar of labels share it evenly. The other heads keep their random
queries, keys and values, and the other rows their random embedding. Outputs of these heads and the
read-out of these rows are 0. They change no answer at first, and training may use them.
"""

from functools import cache, partial

import torch

from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.constructions.parts.scalars import Scalars, fit_gdpp, triangle_scalars
from icnewton.models.config import TransformerConfig
from icnewton.models.transformer import Attention, Transformer
from icnewton.problems.linear import LinearCondition
from icnewton.problems.parts.condition import Condition
from icnewton.training.starts import Start


@torch.no_grad()
def put_gdpp(transformer: Transformer, scalars: Scalars, d: int) -> None:
    """Make a transformer compute GD++ with ``scalars``, one gamma for each of its layers."""
    embedding, readout = transformer.embedding.weight, transformer.readout.weight
    embedding[: d + 1] = torch.eye(d + 1)  # type: ignore[index, operator]
    readout.zero_()  # type: ignore[operator]
    readout[0, d] = -1  # type: ignore[index, operator]
    for layer, gamma, eta in zip(
        transformer.applied, scalars.gammas, (*scalars.etas, 0.0), strict=True
    ):
        _put_head(layer.attention, gamma, eta, d)


def _put_head(attention: Attention, gamma: float, eta: float, d: int) -> None:
    """The first head of a layer, alone in what the layer adds to the stream."""
    config = attention.config
    root = (gamma / config.scale) ** 0.25
    factors = torch.full((d + 1,), root)
    factors[:d] = (eta / config.scale) ** 0.5 / root
    for matrix in (attention.query, attention.key, attention.value):
        matrix.weight[: config.head_dim] = 0
    attention.output.weight.zero_()
    for matrix in (attention.query, attention.key):
        matrix.weight[:d, :d] = root * torch.eye(d)
    attention.value.weight[: d + 1, : d + 1] = factors.diag()
    attention.output.weight[: d + 1, : d + 1] = -factors.diag()


@cache
def scalars_of(condition: LinearCondition, layers: int, kind: str) -> Scalars:
    """Scalars that suit a condition: the triangle's, fitted or guarded ones."""
    if kind == "triangle":
        return triangle_scalars(layers, spectrum_of(condition)[1])
    return fit_gdpp(condition, layers, guarded=kind == "guarded")


def put(transformer: Transformer, condition: LinearCondition, kind: str) -> None:
    """Make a transformer compute GD++ with scalars that suit a condition."""
    layers = transformer.config.depth
    put_gdpp(transformer, scalars_of(condition, layers, kind), condition.d)


def refused(config: TransformerConfig, condition: Condition) -> str | None:
    """Why an architecture cannot compute GD++ exactly."""
    if not isinstance(condition, LinearCondition):
        return "none for other problems than linear regression"
    is_plain = config.is_trilinear and config.loops == 1 and config.outputs == 1
    if not is_plain or config.query_as_key:
        return "none where layers are not linear attention alone, or the query is a key"
    if min(config.head_dim, config.width) <= condition.d:
        return f"none where heads and stream have at most d = {condition.d} rows"
    return None


ENTRIES = {
    f"gdpp_{kind}": Start(partial(put, kind=kind), refused)
    for kind in ("triangle", "fitted", "guarded")
}
