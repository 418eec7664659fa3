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
from icnewton.estimators.scaling import EPS, Columns, columns

MARGIN = 0.01  # of the spectrum's bounds, for rounding: the prompt is known


class InContextLeastSquares(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """min ||y - X w - b||^2 + ridge ||w||^2, answered by a transformer whose prompt is the data.

    ``fit`` centres and scales the data into a prompt, asks for its spectrum and builds a
    transformer for it; ``predict`` runs that transformer on the prompt, once for all queries. The
    ridge is d more examples, sqrt(ridge) e_j with label 0.

    construction: "chebyshev", order 3 in 3 + T layers; "newton", Theorem 4.2; "minimax", the fewest
        layers, at most 5; or "gdpp", one head of width d + 1, at most 16 layers.
    steps: of the construction; None takes the fewest whose residual is within ``tol``.
    tol: the largest share that may be left of any part of the coefficients.
    ridge: the penalty, as ``alpha`` of scikit-learn's Ridge.
    fit_intercept: whether there is a b, which has no penalty.

    Without a ridge, columns must be linearly independent after centring, the constant ones left
    out; otherwise ``fit`` raises ValueError. A ConvergenceWarning says that ``tol`` is missed,
    because there are too few steps, or because rounding is larger: by about 2e-16 times the
    condition number of A^T A.

    coef_ ``(d,)``, intercept_: of the function that the transformer computes, which is affine in
        the query. A constant column has the coefficient 0.
    model_: the icnewton Model; prompt_: its x ``(n, d)`` and y ``(n,)``, without a query.
    n_layers_: the model's depth.
    residual_: max |r| of the residual polynomial over the prompt's spectrum.
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
        w = self._size * answers(self.model_, choice.query, x, labels, basis).numpy()
        self.coef_, shift = self._columns.back(w)
        self.intercept_ = self._centre + shift
        self._report(calibration)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The transformer's answers ``(queries,)`` to the rows of X ``(queries, d)``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        query = CHOICES[self.construction].query
        queries = torch.from_numpy(self._columns(X))
        found = answers(self.model_, query, *self.prompt_, queries).numpy()
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

    def _report(self, calibration: Calibration) -> None:
        """Set ``residual_``, and warn where ``tol`` is missed."""
        x, y = self.prompt_
        found = self.model_.check(torch.cat([x, x[:1]]).unsqueeze(0), y.unsqueeze(0))
        self.residual_ = found.residual.item()
        lower, upper = calibration.spectrum
        rounding = EPS * upper / lower
        if self.residual_ > self.tol:
            layers = f"{self.n_layers_} layers of {self.construction!r}"
            expected = f"expected at most tol = {self.tol:g}"
            words = f"{layers} leave {self.residual_:.2g} of the coefficients, {expected}"
            warnings.warn(
                f"{words}: take more steps or another construction, or a ridge",
                ConvergenceWarning,
                stacklevel=3,
            )
        if rounding > self.tol:
            words = f"the condition number of A^T A is {upper / lower:.2g}, so that rounding leaves"
            expected = f"expected at most tol = {self.tol:g}"
            warnings.warn(
                f"{words} about {rounding:.2g} of the coefficients, {expected}: "
                "take a larger ridge, or drop columns",
                ConvergenceWarning,
                stacklevel=3,
            )
