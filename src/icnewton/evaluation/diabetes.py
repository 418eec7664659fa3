"""Real input: scikit-learn's bundled diabetes data as regression prompts.

It has 442 patients and d = 10, and is standardised.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_diabetes

from icnewton.algorithms.parts.normal_equations import gram_matrix
from icnewton.constructions.least_squares import build_least_squares
from icnewton.models.model import Model
from icnewton.problems.linear import LinearPrompts
from icnewton.randomness import generator

PATIENTS = 442
SIZES = {50: 64, PATIENTS - 1: 1}  # examples in a prompt -> prompts
# enough for condition numbers of A^T A up to 1e5
STEPS = {"newton2": 60, "newton3": 40, "chebyshev": 16}


def diabetes_prompts(n: int, count: int, generator: torch.Generator) -> LinearPrompts:
    """``count`` prompts of n patients and a query patient, float64.

    Patients are drawn without replacement within a prompt. Features and response are standardised
    over all patients. ``target`` is the query's real response, ``w`` the least-squares solution
    over all patients, and ``scale`` is d. Raises ValueError unless 1 <= n <= 441.
    """
    if not 1 <= n < PATIENTS:
        raise ValueError(f"n must be between 1 and {PATIENTS - 1}, found {n}")
    features, response = load_diabetes(return_X_y=True, scaled=False)
    x = torch.from_numpy((features - features.mean(0)) / features.std(0))
    y = torch.from_numpy((response - response.mean()) / response.std())
    orders = [torch.randperm(PATIENTS, generator=generator) for _ in range(count)]
    chosen = torch.stack([order[: n + 1] for order in orders])
    w = torch.linalg.lstsq(x, y.unsqueeze(-1)).solution.squeeze(-1)
    labels = y[chosen]
    d = x.shape[1]
    return LinearPrompts(
        x=x[chosen],
        y=labels[:, :-1],
        w=w.expand(count, d),
        target=labels[:, -1],
        scale=torch.full((count,), float(d), dtype=torch.float64),
        covariance=torch.arange(count),
    )


def lstsq_predictions(prompts: LinearPrompts) -> np.ndarray:
    """numpy.linalg.lstsq on each prompt, applied to its query: ``(batch,)``."""
    x, y = prompts.x.numpy(), prompts.y.numpy()
    examples, queries = x[:, :-1], x[:, -1]
    pairs = zip(examples, y, strict=True)
    solutions = [np.linalg.lstsq(a, b, rcond=None)[0] for a, b in pairs]
    return np.array([q @ w for q, w in zip(queries, solutions, strict=True)])


def built_frame() -> pd.DataFrame:
    """Predictions of built transformers beside lstsq's.

    The prompts are those of 50 patients and the one of 441. Columns: method, kind, layers, n,
    prompt, prediction, target, lstsq, relative_to_lstsq.
    """
    frames = []
    for n in SIZES:
        prompts = _prompts(n)
        spectra = torch.linalg.eigvalsh(gram_matrix(prompts.x[:, :-1]))
        lower, upper = spectra.min().item(), spectra.max().item()
        settings: dict[str, dict[str, Any]] = {
            "newton2": {"alpha": 1 / upper**2},
            "newton3": {"alpha": 1 / upper**2, "order": 3},
            "chebyshev": {"step": "chebyshev", "spectrum": (lower, upper)},
        }
        for name, values in settings.items():
            model = build_least_squares(d=prompts.d, n=n, steps=STEPS[name], **values)
            frames.append(_frame(f"built_{name}", model, prompts))
    return pd.concat(frames, ignore_index=True)


def learned_frame(model: Model, method: str) -> pd.DataFrame:
    """The same columns for a learned model on the prompts of 50 patients, in float64."""
    return _frame(f"{method}_layers{model.card.depth}", model.to(torch.float64), _prompts(50))


def _prompts(n: int) -> LinearPrompts:
    return diabetes_prompts(n, SIZES[n], generator("diabetes", n))


def _frame(method: str, model: Model, prompts: LinearPrompts) -> pd.DataFrame:
    predictions, reference = model.answer(prompts.x, prompts.y).numpy(), lstsq_predictions(prompts)
    return pd.DataFrame(
        {
            "method": method,
            "kind": model.card.kind,
            "layers": model.card.depth,
            "n": prompts.n,
            "prompt": range(len(predictions)),
            "prediction": predictions,
            "target": prompts.target.numpy(),
            "lstsq": reference,
            "relative_to_lstsq": np.abs(predictions - reference) / np.abs(reference),
        }
    )


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each method and prompt length.

    It has the distance from lstsq, and the median squared errors of both.
    """
    squared = frame.assign(
        squared_error=(frame["prediction"] - frame["target"]) ** 2,
        lstsq_error=(frame["lstsq"] - frame["target"]) ** 2,
    )
    return squared.groupby(["method", "kind", "layers", "n"], sort=False, as_index=False).agg(
        prompts=("prompt", "count"),
        median_relative_to_lstsq=("relative_to_lstsq", "median"),
        largest_relative_to_lstsq=("relative_to_lstsq", "max"),
        median_squared_error=("squared_error", "median"),
        median_squared_error_of_lstsq=("lstsq_error", "median"),
    )
