"""Least squares and ridge regression by a built transformer, as an estimator of scikit-learn."""

import math
import warnings
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from icnewton.constructions import build
from icnewton.constructions.parts.calibration import Calibration, calibrate
from icnewton.estimators.choices import CHOICES, Choice
from icnewton.estimators.queries import answers
from icnewton.estimators.scaling import Columns, columns

MARGIN = 0.01  # of the spectrum's bounds, for rounding: the prompt is known


class InContextLeastSquares(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """min ||y - X w - b||^2 + ridge ||w||^2, answered by a transformer whose prompt is the data.

    ``fit`` centres and scales the data into a prompt, asks for its spectrum and builds a
    transformer for it; ``predict`` runs that transformer on the prompt, once for all queries. The
    ridge is d more examples, sqrt(ridge) e_j with label 0.

    construction: "chebyshev", order 3 in 3 + T layers; "newton", Theorem 4.2; "minimax", the fewest
        layers, at most 5; or "gdpp", one head of width d + 1, which makes no inverse: rounding
        hurts it least where the condition number of A^T A is large.
    steps: of the construction; None takes the fewest that bring every part of w within ``tol``, in
        exact arithmetic.
    tol: how far fitted values may be from the solution's, relative to ||y|| after centring.
    ridge: the penalty, as ``alpha`` of scikit-learn's Ridge.
    fit_intercept: whether there is a b, which has no penalty.

    Without a ridge, columns must be linearly independent after centring, the constant ones left
    out; otherwise ``fit`` raises ValueError. A ConvergenceWarning says that ``tol`` is missed, by
    too few steps or because the condition number of A^T A is too large for float64.

    coef_ ``(d,)``, intercept_: of the function that the transformer computes, which is affine in
        the query. A constant column has the coefficient 0.
    model_: the icnewton Model; prompt_: its x ``(n, d)`` and y ``(n,)``, without a query.
    n_layers_: the model's depth.
    distance_: ||A (w - w*)|| / ||y|| for the prompt A, y and the solution w*, rounding included.
    """

    def __init__(
        self,
        construction: str = "chebyshev",
        *,
        steps: int | None = None,
        tol: float = 1e-8,
        ridge: float = 0.0,
        fit_intercept: bool = True,
    ) -> None:
        self.construction = construction
        self.steps = steps
        self.tol = tol
        self.ridge = ridge
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any) -> Self:
        """Keep X ``(n, d)`` and y ``(n,)`` as a prompt, and build the transformer for it.

        Raises ValueError for parameters outside their ranges, and for columns that are linearly
        dependent without a ridge.
        """
        choice = self._checked()
        self._query = choice.query
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = y.astype(np.float64)
        self._columns = self._scaling(X)
        self._centre = float(y.mean()) if self.fit_intercept else 0.0
        self._size = float(np.abs(y - self._centre).max()) or 1.0
        self.prompt_ = self._prompt(X, (y - self._centre) / self._size)
        x, labels = self.prompt_
        calibration = self._calibration(len(X))
        steps = self.steps or choice.steps(calibration, self.tol)
        settings = choice.settings(calibration, len(x))
        self.model_ = build(choice.family, d=x.shape[1], steps=steps, **settings)
        self.n_layers_ = self.model_.card.depth
        basis = torch.eye(x.shape[1], dtype=torch.float64)
        w = answers(self.model_, choice.query, x, labels, basis)
        self.coef_, shift = self._columns.back(self._size * w.numpy())
        self.intercept_ = self._centre + shift
        self.distance_ = self._distance(w)
        self._report(calibration)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The transformer's answers ``(queries,)`` to the rows of X ``(queries, d)``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        queries = torch.from_numpy(self._columns(X))
        found = answers(self.model_, self._query, *self.prompt_, queries).numpy()
        return np.asarray(self._centre + self._size * found)

    def _checked(self) -> Choice:
        if self.construction not in CHOICES:
            known = ", ".join(CHOICES)
            found = f"{self.construction!r}"
            raise ValueError(f"construction: expected one of {known}, found {found}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps: expected None or at least 1, found {self.steps}")
        if not self.tol > 0:
            raise ValueError(f"tol: expected a positive number, found {self.tol}")
        if not 0 <= self.ridge < math.inf:
            raise ValueError(f"ridge: expected a number of at least 0, found {self.ridge}")
        return CHOICES[self.construction]

    def _scaling(self, X: np.ndarray) -> Columns:
        """Columns of norm 1, the rows of the ridge among them."""
        found = columns(X, self.fit_intercept)
        return Columns(found.centre, np.hypot(found.size, math.sqrt(self.ridge)))

    def _prompt(self, X: np.ndarray, y: np.ndarray) -> tuple[Tensor, Tensor]:
        """The examples, then those of the ridge; a constant column has one of its own."""
        size = self._columns.size
        own = np.where(np.isinf(size), 1.0, math.sqrt(self.ridge) / size)
        more = np.diag(own)[own > 0]
        x = np.vstack([self._columns(X), more])
        return torch.from_numpy(x), torch.from_numpy(np.append(y, np.zeros(len(more))))

    def _calibration(self, samples: int) -> Calibration:
        """Bounds on the spectrum of the prompt."""
        x, _ = self.prompt_
        try:
            return calibrate(torch.cat([x, x[:1]]).unsqueeze(0), MARGIN)
        except ValueError as error:
            expected = "linearly independent columns (after centring), or ridge > 0"
            found = f"{samples} samples of {x.shape[1]} columns"
            raise ValueError(f"X: expected {expected}, found {found}: {error}") from None

    def _distance(self, w: Tensor) -> float:
        """||A w* - A w|| / ||y||: A w* - A w is the part of y - A w in the range of A."""
        x, y = self.prompt_
        missed = torch.linalg.qr(x).Q.mT @ (y - x @ w)
        return missed.norm().item() / (y.norm().item() or 1.0)

    def _report(self, calibration: Calibration) -> None:
        """Warn where ``tol`` is missed."""
        if self.distance_ <= self.tol:
            return
        lower, upper = calibration.spectrum
        words = (
            f"{self.n_layers_} layers of {self.construction!r} leave fitted values a distance of "
            f"{self.distance_:.2g} ||y|| from the solution, expected at most tol = {self.tol:g}; "
            f"the condition number of A^T A is {upper / lower:.2g}: take construction='gdpp', "
            "a ridge or more steps"
        )
        warnings.warn(words, ConvergenceWarning, stacklevel=3)
