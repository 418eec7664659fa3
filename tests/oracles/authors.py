"""The training of the paper's public code, written from its description and nothing else.

Attention is formed over all pairs of tokens, one head at a time, and Adam by its formulas, so that
nothing but the numbers is shared with the package.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Authors:
    """A model and its training; ``weights`` by the names of ``icnewton``'s transformer."""

    weights: dict[str, Tensor]
    layers: int
    heads: int
    softmax: bool = False
    norm: bool = False
    clip: float | None = None
    first: dict[str, Tensor] = field(default_factory=dict)
    second: dict[str, Tensor] = field(default_factory=dict)

    def affine(self, name: str, x: Tensor) -> Tensor:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def normed(self, name: str, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        unit = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        return unit * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, place: str, x: Tensor) -> Tensor:
        maps = (self.affine(f"{place}.{name}", x) for name in ("query", "key", "value"))
        mixed = []
        for q, k, v in zip(*(m.chunk(self.heads, -1) for m in maps), strict=True):
            logits = torch.einsum("bid,bjd->bij", q, k) / math.sqrt(q.shape[-1])
            mixed.append((logits.softmax(-1) if self.softmax else logits) @ v)
        return self.affine(f"{place}.output", torch.cat(mixed, -1))

    def answer(self, tokens: Tensor) -> Tensor:
        """What is read at the last token."""
        h = self.affine("embedding", tokens)
        if "positions" in self.weights:
            h = h + self.weights["positions"][: h.shape[1]]
        for layer in range(self.layers):
            place = f"layers.{layer}"
            h = h + self.attention(
                f"{place}.attention", self.normed(f"{place}.norms.0", h) if self.norm else h
            )
            if self.softmax:
                network, seen = f"{place}.feed_forward", self.normed(f"{place}.norms.1", h)
                hidden = self.affine(f"{network}.first", seen).clamp_min(0)
                h = h + self.affine(f"{network}.second", hidden)
            if self.clip is not None:
                h = h.clamp(-self.clip, self.clip)
        last = self.normed("norm", h[:, -1]) if self.norm else h[:, -1]
        return self.affine("readout", last)

    def step(self, count: int, tokens: Tensor, target: Tensor, rate: float, bound: float) -> float:
        """Step number ``count`` (from 1) of Adam on the mean squared error; returns the error."""
        for weight in self.weights.values():
            weight.requires_grad_()
        loss = (self.answer(tokens).reshape(target.shape) - target).square().mean()
        gradients = dict(
            zip(self.weights, torch.autograd.grad(loss, [*self.weights.values()]), strict=True)
        )
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradients.values()))
        shrink = min(1.0, bound / (norm + 1e-6))  # as PyTorch bounds a gradient
        for name, gradient in gradients.items():
            g = gradient * shrink
            first, second = self.first.get(name, 0 * g), self.second.get(name, 0 * g)
            self.first[name] = first = 0.9 * first + 0.1 * g
            self.second[name] = second = 0.999 * second + 0.001 * g.square()
            move = (first / (1 - 0.9**count)) / ((second / (1 - 0.999**count)).sqrt() + 1e-8)
            self.weights[name] = (self.weights[name] - rate * move).detach()
        return loss.item()


def rate(count: int, peak: float, last: float, warmup: int, until: int) -> float:
    """The learning rate of step number ``count`` (from 1)."""
    if count <= warmup:
        return peak * count / warmup
    if count > until:
        return last
    progress = (count - 1 - warmup) / (until - warmup)
    return last + (peak - last) * (1 + math.cos(math.pi * progress)) / 2


def grown(x: Tensor, w: Tensor, noise: Tensor, step: int, every: int) -> tuple[Tensor, Tensor]:
    """Tokens and targets of a linear step (from 0): w of few dimensions, few examples.

    x: ``(batch, 51, d)``; noise: ``(batch, 51)``, the query's label's last.
    """
    stage = step // every
    dims, points = min(2 + stage, x.shape[-1]), min(11 + 5 * stage, x.shape[1])
    active = torch.arange(x.shape[-1]) < dims
    seen = torch.cat([x[:, : points - 1], x[:, -1:]], 1)
    y = (seen * (w * active).unsqueeze(1)).sum(-1)
    y = y + torch.cat([noise[:, : points - 1], noise[:, -1:]], 1)
    hidden = torch.cat([y[:, :-1], torch.zeros_like(y[:, -1:])], 1)
    return torch.cat([seen, hidden.unsqueeze(-1)], -1), y[:, -1]
