"""What a gadget of N neurons loses with other activations than ReLU: sigma on its margins."""

from typing import Annotated

import numpy as np
import pandas as pd
from numpy.polynomial.chebyshev import Chebyshev
from scipy.interpolate import make_interp_spline  # type: ignore[import-untyped]

from icnewton.constructions.parts.gadgets import margin_radius
from icnewton.evaluation.measurements import Measurement
from icnewton.evaluation.measurements.parts.damped_newton import Mu
from icnewton.typed import Within

POINTS = 20_001
ORDERS = {"ReLU": 1, "squared ReLU": 2, "cubed ReLU": 3}  # of the spline that N neurons make


def sigma(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp z)."""
    return np.asarray(1 / (1 + np.exp(z)))


def activation_errors(
    mu: Mu, neurons: Annotated[tuple[Annotated[int, Within(4, 100_000)], ...], "Neurons."]
) -> pd.DataFrame:
    """The largest error of sigma on [-R, R], the margins of damped Newton, by neurons.

    N powers of ReLU interpolate at equal distances as a spline of their order. A polynomial of
    degree N is what N layers of squares could make.
    """
    radius = margin_radius(mu)
    z = np.linspace(-radius, radius, POINTS)
    rows = []
    for count in neurons:
        found = {"polynomial": Chebyshev.interpolate(sigma, count, domain=[-radius, radius])(z)}
        for name, order in ORDERS.items():
            knots = np.linspace(-radius, radius, count + 1)
            found[name] = make_interp_spline(knots, sigma(knots), k=order)(z)
        for name, values in found.items():
            error = np.abs(values - sigma(z)).max()
            rows.append({"mu": mu, "activation": name, "neurons": count, "error": error})
    return pd.DataFrame(rows)


CAPTION = (
    "The largest error of the logistic function on the margins of damped Newton, for a gadget of N "
    "neurons: piecewise linear (ReLU, as built), quadratic and cubic splines (its powers), and the "
    "Chebyshev interpolant of degree N."
)
ENTRIES = {"activations": Measurement(activation_errors, caption=CAPTION)}
