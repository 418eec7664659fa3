"""What theory says can be reached on a condition's prompts, as answers beside those of models."""

from collections.abc import Sequence
from functools import partial
from math import nan

from icnewton.constructions.parts.calibration import spectrum_of
from icnewton.evaluation.answers import Answers
from icnewton.problems.linear import LinearCondition, LinearPrompts
from icnewton.theory import invariants, query_as_key
from icnewton.theory.polynomials import Fits, degree, fitting_prompts, polynomial_fits

EQUIVARIANT_DEGREE, FEATURES = 4, 30  # of two layers


def limits(
    condition: LinearCondition,
    prompts: LinearPrompts,
    fitted_to: int,
    layers: Sequence[int],
    attending: bool,
) -> list[Answers]:
    """The best fixed polynomials of some numbers of layers, fitted to ``fitted_to`` other prompts.

    Depths at which these do not determine it are left out. So is the best equivariant answer of
    two layers. Where models attend to their query, least squares with it as an example joins them,
    fitted to the same prompts.
    """
    upper, factor = spectrum_of(condition)[1], query_as_key.BestFactor()
    polynomials = polynomial_fits(degree(max(layers)), upper)
    equivariant = Fits(partial(invariants.features, degree=EQUIVARIANT_DEGREE), FEATURES)
    for index, batch in enumerate(fitting_prompts(condition, fitted_to)):
        polynomials.add(index, batch)
        equivariant.add(index, batch)
        factor.add(batch)
    found = []
    for depth in layers:
        if polynomials.determined(prompts, degree(depth) + 1):
            values = polynomials.predict(prompts, degree(depth) + 1)
            found.append(Answers("best_polynomial", "theory", 0, depth, depth, values))
    if equivariant.determined(prompts, FEATURES):
        values = equivariant.predict(prompts, FEATURES)
        found.append(Answers("best_equivariant", "theory", 0, 2, 2, values))
    if attending:
        level = factor.value * query_as_key.predict(prompts)
        found.append(Answers("query_as_example", "theory", 0, 0, nan, level))
    return found
