"""Built transformers as estimators of scikit-learn, beside scikit-learn's own."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from icnewton import InContextLeastSquares, InContextLogisticRegression


@parametrize_with_checks([InContextLeastSquares(), InContextLogisticRegression()])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
