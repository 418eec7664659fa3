"""A curriculum over dimension and prompt length (App. D).

Prompts grow from few active dimensions and few examples.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from torch import Tensor

from icnewton.problems.parts.prompts import Prompts
from icnewton.typed import Within, settle

Size = Within(1, 100_000)
Growth = Within(0, 100_000)


@dataclass(frozen=True)
class Curriculum:
    """A schedule of active dimensions and examples.

    They start at ``dims`` and ``points`` and grow every ``every`` steps, up to d and n.
    ``truncates`` says what an inactive dimension means: ``w`` zeroes the weights there and leaves
    the examples whole, as the paper's runs did; ``x`` zeroes the examples there. Raises ValueError
    in one sentence for a value out of its limits.
    """

    dims: Annotated[int, Size, "Active dimensions at first."]
    dims_step: Annotated[int, Growth, "Dimensions added at each stage."]
    points: Annotated[int, Size, "Examples at first."]
    points_step: Annotated[int, Growth, "Examples added at each stage."]
    every: Annotated[int, Within(1, 100_000_000), "Steps of a stage."]
    truncates: Annotated[
        Literal["w", "x"],
        "What inactive dimensions zero: the weights (the paper's runs) or the examples.",
    ] = "w"

    def __post_init__(self) -> None:
        settle(self)

    def sizes(self, step: int, d: int, n: int) -> tuple[int, int]:
        """Active dimensions and examples at a step."""
        stage = step // self.every
        dims, points = self.dims + stage * self.dims_step, self.points + stage * self.points_step
        return min(d, dims), min(n, points)

    def apply(self, prompts: Prompts, step: int) -> Prompts:
        """The prompts as the model sees them at a step; the label noise stays as drawn."""
        dims, points = self.sizes(step, prompts.d, prompts.n)
        x = torch.cat([prompts.x[:, :points], prompts.x[:, -1:]], 1)
        y, w = prompts.y[:, :points], prompts.w
        noise = y - _labels(x, w)[:, :-1]
        if self.truncates == "x":
            x = x.clone()
            x[..., dims:] = 0
        w = w.clone()
        w[:, dims:] = 0
        clean = _labels(x, w)
        return replace(prompts, x=x, y=clean[:, :-1] + noise, w=w, target=clean[:, -1])


def _labels(x: Tensor, w: Tensor) -> Tensor:
    return (x @ w.unsqueeze(-1)).squeeze(-1)
