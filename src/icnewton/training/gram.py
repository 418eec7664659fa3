"""Linear attention sees a prompt only through its Gram matrix, so a long prompt may be replaced by a short one.

**Theorem.** Let every layer be linear attention alone (no LayerNorm, softmax, clipping or feed-forward network) and let
z_i be the tokens of a prompt. Then token i after layer l is W_l z_i with one matrix W_l for all tokens, and W_l depends
on the prompt only through G = sum_i z_i z_i^T.
*Proof.* W_0 is the embedding. A head adds O V W_l (sum_j z_j z_j^T) W_l^T K^T Q W_l z_i = (O V W_l G W_l^T K^T Q W_l) z_i.

**Corollary.** Two prompts with the same Gram matrix of examples and the same query get the same prediction. The rows of
the triangular factor R of Z = QR have Z^T Z = R^T R: at most d + 1 tokens do the work of n examples, in the same forward
pass, and a training step costs nothing in n beyond forming R.
"""

import torch
from torch import Tensor


def condense(tokens: Tensor) -> Tensor:
    """``(batch, min(n, m) + 1, m)`` tokens with the Gram matrix and the query (last) of ``(batch, n + 1, m)`` tokens."""
    factor = torch.linalg.qr(tokens[:, :-1], mode="r").R
    return torch.cat([factor, tokens[:, -1:]], 1)
