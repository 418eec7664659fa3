"""Logistic regression by a built transformer, as an estimator of scikit-learn."""

import math
import warnings
from typing import Any, Self

import numpy as np
import torch
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from icnewton.constructions import build
from icnewton.constructions.parts.interventions import iterates
from icnewton.constructions.parts.precision import largest_error
from icnewton.estimators.scaling import Columns, columns
from icnewton.models.model import Model
from icnewton.problems.parts.logistic_loss import gradient

MOST_STEPS = 1000


class InContextLogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression for two classes, by damped Newton in a transformer (Theorem 5.2).

    ``fit`` standardises the columns of X and divides rows by the largest norm r of a row. Then the
    transformer, whose prompt that is, answers with the minimiser of

        (1/n) sum_i log(1 + exp(-y_i (w^T x_i + b))) + mu / 2 (||w||^2 + b^2),

    y_i = -1 for the first class and 1 for the second, and w and b are scaled back. They are the
    same for every query, so that the transformer runs once, in ``fit``.

    mu: the penalty, on data so scaled: C = 1 / (n mu) in scikit-learn. b has it as well.
    error: how far a step may be from the exact one, and the answer from the minimiser; a step has
        the largest error for which the theorem has a proof, if that is smaller.
    steps: of damped Newton; None takes as many as exact steps would need for half of ``error``.
    fit_intercept: whether there is a b. Without one, columns are not centred.

    More than two classes raise ValueError; scikit-learn's OneVsRestClassifier reduces them to two.
    A ConvergenceWarning says that the bound on the answer's distance exceeds ``error``. Small mu
    and error take wide layers; the ValueError of ``icnewton.build`` tells the limits.

    coef_ ``(1, d)``, intercept_ ``(1,)``: the transformer's answer, scaled back. A constant column
        has the coefficient 0.
    classes_: the two labels.
    model_: the icnewton Model; prompt_: its x ``(n, d)`` or ``(n, d + 1)`` and y ``(n,)``.
    n_layers_: the layers that are applied.
    distance_: a bound on the distance of (w, b) from the minimiser, ||grad f|| / mu.
    """

    def __init__(
        self,
        mu: float = 1e-3,
        *,
        error: float = 1e-2,
        steps: int | None = None,
        fit_intercept: bool = True,
    ) -> None:
        self.mu = mu
        self.error = error
        self.steps = steps
        self.fit_intercept = fit_intercept

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Keep X ``(n, d)`` and y ``(n,)`` as a prompt, and let the transformer answer it.

        Raises ValueError for other than two classes, for parameters outside their ranges, and where
        the transformer's weights would exceed 1 GiB.
        """
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64)
        signs = self._signs(y)
        scaling = self._scaling(X)
        self.prompt_ = self._prompt(scaling(X)), torch.from_numpy(signs)
        self.model_ = self._built()
        self.n_layers_ = self.model_.card.depth
        x, labels = (tensor.unsqueeze(0) for tensor in self.prompt_)
        answer = iterates(self.model_, x, labels)[-1]
        found = self._factor * answer[0].numpy()
        w, b = (found[:-1], float(found[-1])) if self.fit_intercept else (found, 0.0)
        coefficients, shift = scaling.back(w)
        self.coef_ = coefficients.reshape(1, -1)
        self.intercept_ = np.array([b + shift])
        slope = gradient(answer, x, labels, self._mu).norm().item()
        self.distance_ = self._factor * slope / self._mu
        self._report()
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """w^T x + b ``(queries,)``, positive for the second class."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(X @ self.coef_[0] + self.intercept_[0])

    def predict(self, X: Any) -> np.ndarray:
        """The classes ``(queries,)`` of the rows of X ``(queries, d)``."""
        second = self.decision_function(X) > 0
        return np.asarray(self.classes_[second.astype(int)])

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities ``(queries, 2)`` of the classes."""
        z = self.decision_function(X)
        return np.stack([expit(-z), expit(z)], axis=1)

    def _check(self) -> None:
        for name in ("mu", "error"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name}: expected a positive number, found {value}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps: expected None or at least 1, found {self.steps}")

    def _signs(self, y: np.ndarray) -> np.ndarray:
        """-1 and 1 for the two classes, ``(n,)``."""
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}: "
                "OneVsRestClassifier of scikit-learn takes more classes"
            )
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y: expected two classes, found one class, {self.classes_[0]!r}")
        return 2.0 * indices - 1.0

    def _scaling(self, X: np.ndarray) -> Columns:
        """Columns of one norm, and rows of norm at most 1."""
        found = columns(X, self.fit_intercept)
        longest = float(np.linalg.norm(found(X), axis=1).max()) or 1.0
        return Columns(found.centre, longest * found.size)

    def _prompt(self, x: np.ndarray) -> Tensor:
        """The examples; with an intercept (x_i, 1) / sqrt 2, again of norm at most 1."""
        if self.fit_intercept:
            x = self._factor * np.column_stack([x, np.ones(len(x))])
        return torch.from_numpy(x)

    @property
    def _factor(self) -> float:
        """From the transformer's answer, which is sqrt 2 (w, b) if there is a b, to (w, b)."""
        return math.sqrt(0.5) if self.fit_intercept else 1.0

    @property
    def _mu(self) -> float:
        """The same penalty on the transformer's answer."""
        return self._factor**2 * self.mu

    def _built(self) -> Model:
        """The transformer, with as many steps as are asked for or needed."""
        steps = self.steps
        if steps is None:
            x, y = (tensor.unsqueeze(0) for tensor in self.prompt_)
            needed = self._of_steps(1).check(x, y, tolerance=self.error / 2).steps.item()
            steps = int(min(max(needed, 1), MOST_STEPS))
        return self._of_steps(steps)

    def _of_steps(self, steps: int) -> Model:
        """The transformer of one step, applied ``steps`` times."""
        n, d = self.prompt_[0].shape
        error = min(self.error, largest_error(self._mu))
        try:
            return build(
                "damped_newton", d=d, n=n, mu=self._mu, steps=steps, error=error, looped=True
            )
        except ValueError as reason:
            expected = "expected values for which a transformer can be built"
            found = f"found mu = {self.mu:g}, error = {self.error:g}: {reason}"
            raise ValueError(f"mu and error: {expected}, {found}") from None

    def _report(self) -> None:
        """Warn where the answer may be farther from the minimiser than ``error``."""
        if self.distance_ > self.error:
            words = f"the answer of {self.n_layers_} layers is within {self.distance_:.2g}"
            expected = f"expected at most error = {self.error:g}: take more steps"
            warnings.warn(f"{words} of the minimiser, {expected}", ConvergenceWarning, stacklevel=3)
