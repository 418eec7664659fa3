"""A training step as it is usually written: token by token, eager, one module a map, micro-batches.

Every token goes through every layer, all pairs of tokens meet in each head, and gradients are
accumulated over micro-batches. The functions are those of ``icnewton.models.transformer`` (a test
holds them together); only the way of computing them differs.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from icnewton.randomness import generator
from icnewton.training.runs import Run

# the fastest for this step of 250, 500 and 2,000 where docs/performance.md was measured
MICRO_BATCH = 250


class PlainLayer(nn.Module):
    """One block: attention over all pairs of tokens, then the feed-forward network, if any."""

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        scale: float,
        softmax: bool,
        norm: bool,
        mask: bool,
    ) -> None:
        super().__init__()
        self.heads, self.scale, self.softmax, self.mask = heads, scale, softmax, mask
        self.query, self.key, self.value, self.output = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.first_norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.second_norm = nn.LayerNorm(width) if norm and hidden else nn.Identity()
        self.network = (
            nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
            if hidden
            else None
        )

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, stream: Tensor) -> Tensor:
        """The next ``(batch, tokens, width)``."""
        normed = self.first_norm(stream)
        context = normed[:, :-1] if self.mask else normed
        q, k, v = (
            self._heads(x) for x in (self.query(normed), self.key(context), self.value(context))
        )
        logits = q @ k.transpose(-2, -1) * self.scale
        weights = torch.softmax(logits, -1) if self.softmax else logits
        stream = stream + self.output((weights @ v).transpose(1, 2).flatten(2))
        return stream if self.network is None else stream + self.network(self.second_norm(stream))


class Plain(nn.Module):
    """Embedding, blocks, read-out: the weights and the function of a run's transformer."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        transformer = run.transformer()
        config = transformer.config
        softmax, mask = config.attention == "softmax", not config.query_as_key
        shape = (
            config.width,
            config.heads,
            run.recipe.hidden_width,
            config.scale,
            softmax,
            config.layer_norm,
            mask,
        )
        self.embedding = nn.Linear(transformer.embedding.in_features, config.width, bias=False)
        self.blocks = nn.ModuleList(PlainLayer(*shape) for _ in range(config.depth))
        self.readout = nn.Linear(config.width, transformer.readout.out_features, bias=False)
        self.load_state_dict(
            {plain_name(name): weight for name, weight in transformer.state_dict().items()}
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """The read-out of every token."""
        stream = self.embedding(tokens)
        for block in self.blocks:
            stream = block(stream)
        return self.readout(stream)


def plain_name(name: str) -> str:
    """The name here of a weight of ``icnewton.models.transformer.Transformer``."""
    renamed = {
        "layers.": "blocks.",
        "attention.": "",
        "norms.0": "first_norm",
        "norms.1": "second_norm",
    }
    renamed |= {"feed_forward.first": "network.0", "feed_forward.second": "network.2"}
    for ours, plain in renamed.items():
        name = name.replace(ours, plain)
    return name


def plain_step(run: Run, device: str = "cpu") -> Callable[[], float]:
    """A function that makes one step of the run's training each time it is called and returns the
    batch's loss.
    """
    model, recipe, done = Plain(run).to(device), run.recipe, 0
    source = generator("training", run.layers, run.seed, device=device)
    micro_batch = MICRO_BATCH if device == "cpu" else recipe.batch
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, betas=recipe.betas)
    size = (
        recipe.batch // recipe.prompts_per_covariance,
        recipe.prompts_per_covariance,
        source,
        torch.float32,
    )

    def step() -> float:
        nonlocal done
        prompts = run.sample(*size)
        tokens = run.format.tokens(prompts.x, prompts.y)
        optimizer.zero_grad()
        total = torch.zeros((), device=device)
        for part, target in zip(
            tokens.split(micro_batch), prompts.target.split(micro_batch), strict=True
        ):
            value = (run.format.read(model(part)) - target).square().mean() * (
                len(part) / len(tokens)
            )
            value.backward()
            total += value.detach()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_clip)
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * recipe.rate(done)
        optimizer.step()
        done += 1
        return total.item()

    return step
