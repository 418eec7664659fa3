"""Gradient descent on the least-squares loss with exact line search."""

from functools import partial

from icnewton.algorithms import Algorithm
from icnewton.algorithms.gradient_descent import gradient_descent
from icnewton.algorithms.parts.normal_equations import predictions

ENTRIES = {
    "steepest_descent": Algorithm(
        title="gradient descent, line search",
        problem="linear",
        answers=predictions(partial(gradient_descent, step="line_search")),
        steps=tuple(range(7)),
    )
}
