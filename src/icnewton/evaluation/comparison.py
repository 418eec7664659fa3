"""A model beside reference algorithms on the same prompts: medians and means with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np
import torch

from icnewton.algorithms import ALGORITHMS
from icnewton.evaluation.answers import Answers, answers_of, frame, references
from icnewton.evaluation.statistics import bootstrap, interval, of_quantity
from icnewton.models.model import Model
from icnewton.problems import PROBLEMS
from icnewton.problems.parts.condition import Condition
from icnewton.problems.parts.prompts import Prompts

MODEL = "model"
# what a model of some layers is compared with, at as many steps
REFERENCES = {
    "linear": ("newton3", "gradient_descent"),
    "logistic": ("damped_newton", "logistic_gradient_descent"),
}


@dataclass(frozen=True)
class Row:
    """How good the answers of one method are, by one measure.

    method: ``model`` or an algorithm; steps: layers of the model or steps of the algorithm;
    layers: what these cost as a transformer.
    median, mean: of the measure over the prompts, with 95 % intervals over covariances.
    """

    method: str
    measure: str
    steps: int
    layers: float
    median: float
    median_interval: tuple[float, float]
    mean: float
    mean_interval: tuple[float, float]


def compare(model: Model, condition: Condition, prompts: Prompts) -> Iterator[Row]:
    """The model and its references by every measure of the problem, in float64.

    A model whose training diverged has infinite errors.
    """
    depth, problem = model.card.depth, PROBLEMS[condition.problem]
    values = answers_of(model.to(torch.float64), prompts.x, prompts.y, problem.chunk)
    if model.card.origin.get("diverged"):
        values = torch.full_like(values, inf)
    answers = [Answers(MODEL, "", 0, depth, depth, values)]
    for name in REFERENCES.get(condition.problem, ()):
        if name in ALGORITHMS:
            answers += references(name, [depth], condition, prompts)
    judged = frame(answers, condition, prompts)
    for name, measure in problem.measures.items():
        rows = of_quantity(judged, measure.quantity)
        for item in answers:
            own = rows[rows["method"] == item.method]
            if len(own):
                errors = measure.transform(own["value"]).fillna(inf).to_numpy()
                yield _row(item, name, errors.reshape(own["covariance"].nunique(), -1))


def _row(item: Answers, measure: str, errors: np.ndarray) -> Row:
    return Row(
        method=item.method,
        measure=measure,
        steps=item.step,
        layers=item.layers,
        median=float(np.median(errors)),
        median_interval=interval(bootstrap(errors)),
        mean=float(np.mean(errors)),
        mean_interval=interval(bootstrap(errors, np.mean)),
    )
