"""Models in lower precisions: how far their answers move, and where they break."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType as Module
from typing import Annotated, Any

import pandas as pd
import torch
from torch import Tensor

from icnewton.constructions import gdpp, least_squares, minimax
from icnewton.evaluation.measurements import Measurement
from icnewton.models.gram import condense, sees_gram_matrix_alone
from icnewton.models.model import DTYPES, Model
from icnewton.models.weights import CHECKOUT, WEIGHTS, load
from icnewton.problems import linear, logistic
from icnewton.problems.linear import LinearCondition
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.parse import parse_condition
from icnewton.problems.parts.prompts import Prompts
from icnewton.randomness import generator
from icnewton.typed import Within

POSED = {**linear.ENTRIES, **logistic.ENTRIES}
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
    trained: Annotated[tuple[str, ...], "Names of released models."] = (),
) -> pd.DataFrame:
    """The median error of each model in each precision, and the median distance from float64.

    Built models answer normalised prompts, trained ones those of their own condition. Prompts are
    drawn in float64 and rounded with the weights. ``path`` says whether a model reads the examples,
    ``tokens``, or as many tokens as they have columns, with the same Gram matrix: those are made in
    float64. Errors and distances are squares, linear ones over tr Sigma, those of weights over
    their squared norm. ``breaks``: rounding moves the answer by more than it errs in float64. A
    model that released/ lacks has the path ``missing`` and no numbers.
    """
    condition = LinearCondition("normalised", d, n, kappa, 0.0)
    asked = _prompts(condition, prompts)
    rows: list[dict[str, object]] = []
    for name, (module, chosen, most) in BUILT.items():
        (construction,) = module.ENTRIES.values()
        for count in (count for count in steps if count <= most):
            model = construction.build(**module.suited(condition, {**chosen, "steps": count}))
            rows += _rows(name, model, asked)
    for name in trained:
        if not (CHECKOUT / "released" / name / WEIGHTS).exists():
            rows.append({"model": name, "precision": "float64", "path": "missing", "breaks": False})
            continue
        model = load(CHECKOUT / "released" / name)
        own = parse_condition(model.card.origin["run"]["condition"])
        rows += _rows(name, model, _prompts(own, prompts))
    return pd.DataFrame(rows)


def _prompts(condition: Condition, count: int) -> Prompts:
    source = generator("precision", condition)
    return POSED[condition.problem].sample(condition, count, 1, source, torch.float64)


def _rows(name: str, model: Model, prompts: Prompts) -> Iterator[dict[str, object]]:
    """One for each precision and path."""
    exact = _answers(model.to(torch.float64), prompts, "tokens")
    error = _median(exact, prompts)
    moved = replace(prompts, target=exact)
    paths = ("tokens", "Gram") if sees_gram_matrix_alone(model.transformer) else ("tokens",)
    for precision in ("float64", "float32", "bfloat16"):
        rounded = model.to(DTYPES[precision])
        for path in paths:
            found = _answers(rounded, prompts, path)
            distance = _median(found, moved)
            yield {
                "model": name,
                "layers": model.card.depth,
                "precision": precision,
                "path": path,
                "error": _median(found, prompts),
                "from_float64": distance,
                "breaks": distance > error,
            }


def _answers(model: Model, prompts: Prompts, path: str) -> Tensor:
    """The answers in float64, whatever precision they were computed in."""
    tokens = model.format.tokens(prompts.x, prompts.y)
    tokens = (condense(tokens) if path == "Gram" else tokens).to(model.transformer.dtype)
    return model.format.read(model.transformer(tokens)).double()


def _median(answers: Tensor, prompts: Prompts) -> float:
    return prompts.error(answers).nan_to_num(nan=torch.inf).median().item()


CAPTION = (
    "Built and trained models in float64, float32 and bfloat16 on the same prompts, reading all "
    "examples (tokens) or few tokens with the same Gram matrix: the median squared error over "
    "tr Sigma (of an encoder: over the squared norm of the minimiser), the median squared distance "
    "from the answers in float64, and whether that is larger than the error in float64."
)
ENTRIES = {"precision": Measurement(precisions, ("normalised", "unnormalised"), CAPTION)}
