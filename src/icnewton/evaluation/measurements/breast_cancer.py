"""Real input: scikit-learn's breast-cancer data as one logistic prompt (d = 30, n = 569)."""

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from icnewton.constructions.damped_newton import build_damped_newton
from icnewton.constructions.parts.precision import unfit_error
from icnewton.evaluation.measurements import Measurement
from icnewton.evaluation.measurements.parts.damped_newton import Mu, StepError, Steps
from icnewton.problems.parts import logistic_loss as logistic


def breast_cancer() -> tuple[Tensor, Tensor]:
    """x ``(1, 569, 30)``, standardised and divided by the largest norm of a row; y ``(1, 569)``.

    A label is 1 for benign, else -1.
    """
    data = load_breast_cancer()
    features = (data.data - data.data.mean(0)) / data.data.std(0)
    features /= np.linalg.norm(features, axis=1).max()
    x, y = torch.from_numpy(features), torch.from_numpy(2.0 * data.target - 1)
    return x.unsqueeze(0), y.unsqueeze(0)


def cancer_frame(mu: Mu, error: StepError, steps: Steps) -> pd.DataFrame:
    """The built transformer, this package's minimiser and scikit-learn, with their accuracies.

    ``relative`` is ||w - w_sklearn|| / ||w_sklearn||. scikit-learn minimises the same loss with
    C = 1 / (n mu). ``accuracy`` is that on the prompt itself.
    """
    x, y = breast_cancer()
    n, d = x.shape[1:]
    model = build_damped_newton(d=d, n=n, mu=mu, steps=steps, error=error, looped=True)
    classifier = LogisticRegression(C=1 / (n * mu), fit_intercept=False, tol=1e-12, max_iter=10000)
    expected = torch.from_numpy(classifier.fit(x[0].numpy(), y[0].numpy()).coef_)
    card = model.card
    rows = [
        ("scikit-learn", expected, np.nan, np.nan),
        ("minimiser", logistic.minimise(x, y, mu), np.nan, np.nan),
        ("built_damped_newton", model(x, y), card.depth, card.hidden_width),
    ]
    return pd.DataFrame(
        {
            "method": method,
            "d": d,
            "n": n,
            "layers": layers,
            "hidden_width": hidden,
            "mu": mu,
            "loss": logistic.loss(w, x, y, mu).item(),
            "relative": ((w - expected).norm() / expected.norm()).item(),
            "accuracy": ((x @ w.unsqueeze(-1)).squeeze(-1).sign() == y).double().mean().item(),
        }
        for method, w, layers, hidden in rows
    )


CAPTION = (
    "The breast-cancer data as one prompt of 569 examples in 30 dimensions, standardised and "
    "divided by the largest norm of a row: the built damped-Newton transformer, this package's "
    "minimiser and scikit-learn's LogisticRegression with C = 1/(n mu)."
)


def refused(mu: Mu, error: StepError, steps: Steps) -> list[str]:
    """An error that cannot be had at this regularisation."""
    return unfit_error(mu, error)


ENTRIES = {"breast_cancer": Measurement(cancer_frame, caption=CAPTION, refused=refused)}
