"""Built models in lower precisions: how far their answers move, and where they break."""

from collections.abc import Iterator
from types import ModuleType as Module
from typing import Annotated, Any

import pandas as pd
import torch

from icnewton.constructions import gdpp, least_squares, minimax
from icnewton.evaluation.measurements import Measurement
from icnewton.models.model import DTYPES, Model
from icnewton.problems.linear import LinearCondition, LinearPrompts, sample
from icnewton.randomness import generator
from icnewton.typed import Within

# how a model is built, its settings, and the most layers or steps
BUILT: dict[str, tuple[Module, dict[str, Any], int]] = {
    "Newton, order 2": (least_squares, {}, 20),
    "Newton, order 3": (least_squares, {"order": 3}, 20),
    "Chebyshev, order 2": (least_squares, {"step": "chebyshev"}, 20),
    "Chebyshev, order 3": (least_squares, {"step": "chebyshev", "order": 3}, 20),
    "GD++, triangle": (gdpp, {}, 6),
    "GD++, guarded": (gdpp, {"scalars": "guarded"}, 6),
    "minimax": (minimax, {}, 4),
}


def precisions(
    steps: Annotated[tuple[Annotated[int, Within(1, 20)], ...], "Steps, or layers."],
    prompts: Annotated[int, Within(2, 1_000_000), "Prompts."],
    kappa: Annotated[float, Within(1, 1e12)] = 10.0,
    d: Annotated[int, Within(1, 100)] = 10,
    n: Annotated[int, Within(1, 1000)] = 50,
) -> pd.DataFrame:
    """Median squared error over tr Sigma in each precision, and the median distance from float64.

    Prompts are drawn in float64 and rounded with the weights. The distance is squared, over tr
    Sigma.
    """
    condition = LinearCondition("normalised", d, n, kappa, 0.0)
    drawn = sample(condition, prompts, 1, generator("precision", condition))
    return pd.DataFrame(_rows(condition, drawn, steps))


def _rows(
    condition: LinearCondition, prompts: LinearPrompts, steps: tuple[int, ...]
) -> Iterator[dict[str, object]]:
    for name, (module, chosen, most) in BUILT.items():
        (construction,) = module.ENTRIES.values()
        for count in (count for count in steps if count <= most):
            settings = module.suited(condition, {**chosen, "steps": count})
            model = construction.build(**settings)
            exact = _answers(model, prompts, "float64")
            for dtype in ("float64", "float32", "bfloat16"):
                found = _answers(model, prompts, dtype)
                yield {
                    "model": name,
                    "layers": model.card.depth,
                    "precision": dtype,
                    "error": _median(found - prompts.target, prompts),
                    "from_float64": _median(found - exact, prompts),
                }


def _answers(model: Model, prompts: LinearPrompts, dtype: str) -> torch.Tensor:
    return model.to(DTYPES[dtype]).answer(prompts.x, prompts.y).double()


def _median(difference: torch.Tensor, prompts: LinearPrompts) -> float:
    squared = (difference.square() / prompts.scale).nan_to_num(nan=torch.inf)
    return squared.median().item()


CAPTION = (
    "Built models in float64, float32 and bfloat16 on the same prompts: the median squared error "
    "over tr Sigma, and the median squared distance from the answers in float64."
)
ENTRIES = {"precision": Measurement(precisions, ("normalised",), CAPTION)}
