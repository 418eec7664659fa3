"""The estimators beside scikit-learn on diabetes and breast cancer: answers, layers, seconds.

PYTHONPATH=src python bench/estimators.py
"""

import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from threadpoolctl import threadpool_limits

from icnewton import InContextLeastSquares, InContextLogisticRegression


def diabetes() -> None:
    """Largest difference of fitted values from LinearRegression's, over the largest of those."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    expected = LinearRegression().fit(X, y).predict(X)
    for name in ("chebyshev", "newton", "minimax", "gdpp"):
        start = time.perf_counter()
        model = InContextLeastSquares(name).fit(X, y)
        fitted = time.perf_counter()
        found = model.predict(X)
        answered = time.perf_counter()
        off = np.abs(found - expected).max() / np.abs(expected).max()
        print(
            f"diabetes {name}: {model.n_layers_} layers, off by {off:.1e}, "
            f"distance {model.distance_:.1e}, fit {fitted - start:.2f} s, "
            f"442 queries {answered - fitted:.2f} s"
        )


def breast_cancer() -> None:
    """Accuracies, and the largest difference of margins where b has the penalty in both."""
    X, y = load_breast_cancer(return_X_y=True)
    rows = (X - X.mean(0)) / X.std(0)
    rows /= np.linalg.norm(rows, axis=1).max()
    ones = np.column_stack([rows, np.ones(len(rows))])
    for mu in (0.1, 0.01, 0.001):
        start = time.perf_counter()
        model = InContextLogisticRegression(mu).fit(X, y)
        seconds = time.perf_counter() - start
        settings = {"C": 1 / (len(X) * mu), "tol": 1e-12, "max_iter": 10**4}
        penalised = LogisticRegression(fit_intercept=False, **settings).fit(ones, y)
        free = LogisticRegression(**settings).fit(rows, y)
        off = np.abs(model.decision_function(X) - penalised.decision_function(ones)).max()
        print(
            f"breast cancer mu = {mu}: {model.n_layers_} layers, "
            f"hidden width {model.model_.card.hidden_width}, margins off by {off:.1e}, "
            f"distance {model.distance_:.1e}, accuracy {model.score(X, y):.4f}; scikit-learn "
            f"{penalised.score(ones, y):.4f}, {free.score(rows, y):.4f} with b free; "
            f"fit {seconds:.1f} s"
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # minimax misses tol, as its distance says
    with threadpool_limits(1):
        diabetes()
        breast_cancer()
