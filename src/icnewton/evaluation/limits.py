"""What theory says can be reached on a condition's prompts, as answers beside those of models."""

from collections.abc import Sequence
from math import nan

from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.evaluation.answers import Answers
from icnewton.problems.linear import LinearCondition, LinearPrompts
from icnewton.theory import query_as_key
from icnewton.theory.polynomials import Fits, degree, fitting_prompts


def limits(
    condition: LinearCondition,
    prompts: LinearPrompts,
    fitted_to: int,
    layers: Sequence[int],
    attending: bool,
) -> list[Answers]:
    """The best fixed polynomials of some numbers of layers, fitted to ``fitted_to`` other prompts.

    Depths at which these do not determine it are left out. Where models attend to their query,
    least squares with it as an example joins them, fitted to the same prompts.
    """
    deepest = max(layers)
    fits, factor = Fits(degree(deepest), spectrum_of(condition)[1]), query_as_key.BestFactor()
    for index, batch in enumerate(fitting_prompts(condition, fitted_to)):
        fits.add(index, batch)
        factor.add(batch)
    found = []
    for depth in layers:
        if fits.determined(degree(depth), prompts):
            values = fits.polynomial(degree(depth)).predict(prompts)
            found.append(Answers("best_polynomial", "theory", 0, depth, depth, values))
    if attending:
        level = factor.value * query_as_key.predict(prompts)
        found.append(Answers("query_as_example", "theory", 0, 0, nan, level))
    return found
