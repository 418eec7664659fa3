"""Short prompts in place of long ones: linear attention sees only the Gram matrix of a prompt.

**Theorem.** Let every layer be linear attention alone (no LayerNorm, softmax, clipping or
feed-forward network) and let z_i be the tokens of a prompt. Then token i after layer l is W_l z_i
with one matrix W_l for all tokens, and W_l depends on the prompt only through G = sum_i z_i z_i^T.

*Proof.* W_0 is the embedding. A head adds

    O V W_l (sum_j z_j z_j^T) W_l^T K^T Q W_l z_i = (O V W_l G W_l^T K^T Q W_l) z_i. QED

**Corollary.** Two prompts with the same Gram matrix of examples and the same query get the same
prediction. The rows of the triangular factor R of Z = QR have Z^T Z = R^T R. So at most d + 1
tokens do the work of n examples in the forward pass, and in a training step as well.
"""

import torch
from torch import Tensor

from icnewton.models.transformer import Transformer


def condense(tokens: Tensor) -> Tensor:
    """``(batch, min(n, m) + 1, m)`` tokens with the Gram matrix and the query of the given ones.

    tokens: ``(batch, n + 1, m)``, the query last.
    """
    factor = torch.linalg.qr(tokens[:, :-1], mode="r").R
    return torch.cat([factor, tokens[:, -1:]], 1)


def sees_gram_matrix_alone(transformer: Transformer) -> bool:
    """Whether the theorem holds for a transformer; other classes are taken not to."""
    return type(transformer) is Transformer and transformer.config.is_trilinear
