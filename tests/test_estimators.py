"""Built transformers as estimators of scikit-learn, beside scikit-learn's own."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from test_readme import examples

from icnewton import InContextLeastSquares, InContextLogisticRegression
from icnewton.estimators.choices import CHOICES
from icnewton.estimators.queries import answers


@parametrize_with_checks([InContextLeastSquares(), InContextLogisticRegression(mu=0.1)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        InContextLeastSquares("gdpp", ridge=1.0),
        InContextLeastSquares("newton", fit_intercept=False),
        InContextLogisticRegression(),
        InContextLogisticRegression(mu=0.01, fit_intercept=False),
    ]
)
def test_scikit_learns_own_checks_of_other_settings(estimator, check):
    check(estimator)


def regression(seed, n=40, d=4, condition=10.0):
    """X, y with singular values of X from 1 to 1 / condition, before scaling and centring."""
    source = np.random.default_rng(seed)
    U = np.linalg.qr(source.normal(size=(n, d)))[0]
    V = np.linalg.qr(source.normal(size=(d, d)))[0]
    X = (U * np.geomspace(1, 1 / condition, d)) @ V
    return X, X @ source.normal(size=d) + 0.02 * source.normal(size=n)


def distance(model, X, y):
    """||A (w - w*)|| / ||y|| against numpy, after centring."""
    centred, labels = (X - X.mean(0), y - y.mean()) if model.fit_intercept else (X, y)
    w = np.linalg.lstsq(centred, labels, rcond=None)[0]
    return np.linalg.norm(centred @ (model.coef_ - w)) / np.linalg.norm(labels)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(1, 6),
    sizes=st.floats(-3, 3),
    offset=st.floats(-100, 100),
    intercept=st.booleans(),
    name=st.sampled_from(["chebyshev", "newton", "gdpp"]),
)
def test_least_squares_of_any_size_is_numpys(seed, d, sizes, offset, intercept, name):
    X, y = regression(seed, d=d)
    X = (X + (offset if intercept else 0)) * 10 ** np.linspace(-sizes, sizes, d)
    y = 10**sizes * (y + offset)
    model = InContextLeastSquares(name, fit_intercept=intercept).fit(X, y)
    assert distance(model, X, y) < 2e-8
    linear = X @ model.coef_ + model.intercept_
    np.testing.assert_allclose(model.predict(X), linear, rtol=0, atol=1e-9 * np.abs(y).max())


@pytest.mark.parametrize("name", CHOICES)
def test_many_queries_of_one_prompt_are_answered_as_each_alone(name):
    X, y = regression(0, n=9)
    model = InContextLeastSquares(name, tol=1e-2).fit(X, y)
    x, labels = model.prompt_
    queries = torch.from_numpy(np.random.default_rng(1).normal(size=(5, 4)))
    prompts = torch.cat([x.expand(5, -1, -1), queries.unsqueeze(1)], 1)
    alone = model.model_(prompts, labels.expand(5, -1), strict=True)
    together = answers(model.model_, CHOICES[name].query, x, labels, queries)
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("condition", [10, 1e3, 1e5])
def test_the_distance_is_the_true_one_and_a_missed_tol_is_told(name, condition):
    X, y = regression(1, condition=condition)
    model = InContextLeastSquares(name)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert model.distance_ == pytest.approx(distance(model, X, y), rel=0.1, abs=1e-10)
    missed = [str(w.message) for w in told if w.category is ConvergenceWarning]
    assert bool(missed) == (model.distance_ > model.tol)
    assert all("expected at most tol = 1e-08" in words for words in missed)


def test_a_large_condition_number_is_told_and_gdpp_copes_with_it():
    X, y = regression(2, condition=1e6)
    with pytest.warns(ConvergenceWarning, match=r"A\^T A is [0-9.]+e\+1[0-9].*'gdpp'"):
        InContextLeastSquares().fit(X, y)
    assert distance(InContextLeastSquares("gdpp").fit(X, y), X, y) < 1e-8


@pytest.mark.parametrize("name", ["chebyshev", "newton", "gdpp"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("shape", [(30, 4), (5, 12)])
def test_the_ridge_is_scikit_learns(name, intercept, shape):
    source = np.random.default_rng(3)
    X = source.normal(size=shape) * 10.0 ** source.integers(-2, 3, shape[1])
    y = source.normal(size=shape[0])
    X[:, 1] = 2 * X[:, 0]
    ridge = 0.3
    model = InContextLeastSquares(name, ridge=ridge, fit_intercept=intercept).fit(X, y)
    expected = Ridge(alpha=ridge, fit_intercept=intercept, solver="svd").fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), atol=1e-7)


@pytest.mark.parametrize("collinear", [True, False])
def test_without_a_ridge_dependent_columns_are_refused(collinear):
    X, y = regression(4)
    if collinear:
        X[:, 1] = 2 * X[:, 0] + 1
    else:
        X, y = X[:3], y[:3]
    with pytest.raises(ValueError, match="expected linearly independent columns"):
        InContextLeastSquares().fit(X, y)


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_a_constant_column_counts_for_nothing(ridge):
    X, y = regression(5)
    wide = np.column_stack([X[:, :2], np.full(len(X), 1e9 / 3), X[:, 2:]])
    model = InContextLeastSquares(ridge=ridge).fit(wide, y)
    np.testing.assert_allclose(
        np.delete(model.coef_, 2), InContextLeastSquares(ridge=ridge).fit(X, y).coef_, rtol=1e-9
    )
    assert model.coef_[2] == 0
    classes = y > np.median(y)
    model = InContextLogisticRegression(mu=0.1).fit(wide, classes)
    narrow = InContextLogisticRegression(mu=0.1).fit(X, classes)
    np.testing.assert_allclose(model.decision_function(wide), narrow.decision_function(X), 1e-2)
    assert model.coef_[0, 2] == 0


def test_one_sample_constant_labels_and_data_that_do_not_vary():
    one = InContextLeastSquares().fit([[1.0, 2.0]], [3.0])
    assert one.predict([[5.0, 6.0]]) == 3 and not one.coef_.any()
    X, _ = regression(6)
    assert (InContextLeastSquares().fit(X, np.full(len(X), 7.0)).predict(X) == 7).all()
    still = InContextLogisticRegression(mu=0.1).fit(np.ones((4, 2)), [0, 1, 1, 1])
    assert still.predict([[1.0, 1.0]]) == 1


@pytest.mark.parametrize("size", [1e-200, 1e-3, 1e200])
def test_multiples_of_the_data_have_multiples_of_the_answer(size):
    X, y = regression(7)
    expected = InContextLeastSquares().fit(X, y).predict(X)
    np.testing.assert_allclose(InContextLeastSquares().fit(size * X, y).predict(size * X), expected)
    found = InContextLeastSquares().fit(X, size * y).predict(X)
    np.testing.assert_allclose(found / size, expected, rtol=1e-9)
    classes = y > 0
    expected = InContextLogisticRegression(mu=0.1).fit(X, classes).predict_proba(X)
    found = InContextLogisticRegression(mu=0.1).fit(size * X, classes).predict_proba(size * X)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "tol", "stated"),
    [
        ("chebyshev", 1e-8, 1e-12),
        ("newton", 1e-8, 1e-12),
        ("minimax", 1e-4, 1e-4),
        ("gdpp", 1e-8, 1e-8),
    ],
)
def test_the_diabetes_data_have_scikit_learns_least_squares(name, tol, stated):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    found = InContextLeastSquares(name, tol=tol).fit(X, y).predict(X)
    expected = LinearRegression().fit(X, y).predict(X)
    assert np.abs(found - expected).max() < stated * np.abs(expected).max()


def scaled(X, intercept):
    """Rows as the documentation says, with a column of ones for the intercept."""
    X = X - X.mean(0) if intercept else X
    X = X / np.linalg.norm(X, axis=0)
    X = X / np.linalg.norm(X, axis=1).max()
    return np.column_stack([X, np.ones(len(X))]) if intercept else X


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(1, 5),
    mu=st.floats(0.02, 1),
    intercept=st.booleans(),
)
def test_logistic_regression_is_scikit_learns_within_its_bound(seed, d, mu, intercept):
    source = np.random.default_rng(seed)
    X = source.normal(size=(30, d)) * 10.0 ** source.integers(-3, 4, d)
    y = np.where(X[:, 0] + np.abs(X[:, 0]).mean() * source.normal(size=30) > 0, "b", "a")
    y[:2] = "a", "b"
    model = InContextLogisticRegression(mu, fit_intercept=intercept).fit(X, y)
    assert [*model.classes_] == ["a", "b"]
    A = scaled(X, intercept)
    expected = LogisticRegression(C=1 / (30 * mu), fit_intercept=False, tol=1e-12, max_iter=10**4)
    # margins are those of w within the distance, on rows of norm at most sqrt 2
    off = np.abs(model.decision_function(X) - expected.fit(A, y).decision_function(A)).max()
    assert off <= 2**0.5 * model.distance_ + 1e-6
    assert model.distance_ <= model.error


def test_too_few_steps_of_logistic_regression_are_told():
    X, y = regression(8)
    with pytest.warns(ConvergenceWarning, match="of the minimiser, expected at most error = 0.001"):
        InContextLogisticRegression(mu=0.01, steps=1, error=1e-3).fit(X, y > 0)


def test_more_than_two_classes_are_scikit_learns_business():
    source = np.random.default_rng(9)
    y = np.repeat([0, 1, 2], 20)
    X = source.normal(size=(60, 2)) + 5 * np.eye(3)[y][:, :2]
    with pytest.raises(ValueError, match=r"Only binary classification is supported\..*OneVsRest"):
        InContextLogisticRegression().fit(X, y)
    assert OneVsRestClassifier(InContextLogisticRegression(mu=0.01)).fit(X, y).score(X, y) > 0.9
    with pytest.raises(ValueError, match="expected two classes, found one class"):
        InContextLogisticRegression().fit(X, np.zeros(60))


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (InContextLeastSquares("cubic"), "construction: expected one of chebyshev, newton"),
        (InContextLeastSquares(steps=0), "steps: expected None or at least 1, found 0"),
        (InContextLeastSquares(tol=0), "tol: expected a positive number, found 0"),
        (InContextLeastSquares(ridge=-1), "ridge: expected a number of at least 0, found -1"),
        (InContextLogisticRegression(0), "mu: expected a positive number, found 0"),
        (InContextLogisticRegression(error=-1), "error: expected a positive number, found -1"),
        (InContextLogisticRegression(steps=0), "steps: expected None or at least 1, found 0"),
        (InContextLogisticRegression(1e-9), r"mu and error: expected values .* found mu = 1e-09"),
    ],
)
def test_parameters_that_cannot_be_are_refused(estimator, words):
    X, y = regression(10)
    with pytest.raises(ValueError, match=words):
        estimator.fit(X, y if isinstance(estimator, InContextLeastSquares) else y > 0)


def test_grid_search_through_a_pipeline():
    X, y = regression(11)
    steps = make_pipeline(StandardScaler(), InContextLeastSquares(ridge=1.0))
    grid = {"incontextleastsquares__ridge": [1e-6, 1e3]}
    search = GridSearchCV(steps, grid, cv=3).fit(X, y)
    assert search.best_params_ == {"incontextleastsquares__ridge": 1e-6}
    best = search.best_estimator_[-1]
    assert clone(best).get_params() == best.get_params() and best.n_layers_ > 3


@pytest.mark.slow
@pytest.mark.parametrize("mu", [0.1, 0.01, 0.001])
def test_the_breast_cancer_data_have_scikit_learns_accuracy(mu):
    X, y = load_breast_cancer(return_X_y=True)
    model, A = InContextLogisticRegression(mu).fit(X, y), scaled(X, intercept=True)
    expected = LogisticRegression(C=1 / (len(X) * mu), fit_intercept=False, tol=1e-10)
    assert abs(model.score(X, y) - expected.fit(A, y).score(A, y)) < 0.002
    free = LogisticRegression(C=1 / (len(X) * mu)).fit(A[:, :-1], y)
    assert abs(model.score(X, y) - free.score(A[:, :-1], y)) < 0.01


def test_the_package_alone_imports_neither_torch_nor_scikit_learn():
    code = "import sys, icnewton; print(*{'torch', 'sklearn'} & {*sys.modules})"
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.strip() == ""


def test_the_examples_of_the_documentation_run():
    for code in examples(ROOT / "docs/estimators.md"):
        exec(code, {})
