"""How exactly a built damped-Newton step must compute, and how exactly it does: explicit bounds in
place of O(.).

**Theorem.** Let ||a_i|| <= 1, c = 2 sqrt(mu), and let the step use

    a gradient            g + e,              ||e|| <= e_g
    a Hessian             H + E >= mu I,      ||E|| <= e_H = tau mu < mu,  symmetric
    an inverse            (I - R)(H + E)^{-1} with R a polynomial in H + E, ||R|| <= delta < 1
    a damping gadget      eta(v) = c / (c + sqrt v) with |error(v)| sqrt(v / mu) <= e_eta.

Then it differs from the exact damped-Newton step at the same w by at most

    2 (e_g + e_H) / mu + 2 ((1 - tau)^{-1/2} - 1) + 2 delta + 2 (1 + delta) ((1 - delta)^{-1/2} - 1)
    + (1 + delta)^{1/2} e_eta.

*Proof.* Write D = H^{-1} g, lambda^2 = g^T D, eta = c / (c + lambda), and D~, lambda~, eta~ for g +
e and H + E. Since ||D|| <= lambda / sqrt mu, a damped step is never long: eta ||D|| <= 2, and eta~
||D~|| <= 2. (1) eta ||D~ - D|| = eta ||(H + E)^{-1}(e - E D)|| <= (e_g + 2 e_H) / mu. (2) |lambda~
- lambda| <= e_g / sqrt mu + lambda ((1 - tau)^{-1/2} - 1), and |eta~ - eta| = eta eta~ |lambda~ -
lambda| / c,
    so |eta~ - eta| ||D~|| <= e_g / mu + 2 ((1 - tau)^{-1/2} - 1).
(3) The direction (I - R) D~ is off by eta~ ||R D~|| <= 2 delta; (4) v = (g + e)^T (I - R) D~ lies
within a factor 1 -+ delta
    of lambda~^2, which as in (2) costs 2 (1 + delta)((1 - delta)^{-1/2} - 1). (5) ||(I - R) D~||^2
    <= (1 + delta) v / mu. QED

**Lemma.** Let L = mu + 1/4 and let every step be within e <= (mu / L)^{1/2} / 4 of the exact one.
Then f(w_t) <= log 2 + mu / 8 for all iterates from w = 0, hence |w_t^T a_i| <= ||w_t|| <= (2 log 2
/ mu + 1/4)^{1/2}, and lambda(w_t) is bounded as well.

*Proof.* With t = lambda / (2 sqrt mu), an exact step lowers f by at least 2 mu t^2 / (1 + t) and
ends where ||grad f|| <= 4 (L mu)^{1/2} t^2 / (1 + t); the error adds at most that times e, and L
e^2 / 2, so f changes by at most -mu t^2 / (1 + t) + L e^2 / 2. Where it rises, t^2 / (1 + t) < L
e^2 / (2 mu) <= 1/32, so t < 1/5, f is within 3 L e^2 / 2 of its minimum, and within 2 L e^2 <= mu /
8 after the step; and the minimum is at most f(0) = log 2. QED

Theorem 5.2 instead bounds the damping for any direction: an error e in lambda^2 is then an error
sqrt(e) in eta, and with ||E'|| <= e_H / (mu (mu - e_H)) on the inverse this gives its width of
order eps^-4 mu^-8. But eta is inaccurate only where lambda is small, and there so is the direction:
the product is Lipschitz, which is (2) and (5).
"""

import math
from dataclasses import dataclass

from icnewton.constructions.parts.gadgets import (
    LEEWAY,
    Gadget,
    damping_gadget,
    decrement_bound,
    logistic_gadget,
    margin_radius,
    probability_gadget,
    smallest,
)
from icnewton.constructions.parts.relu import product_bound

UNIT = 2**-53  # unit roundoff of float64
ROUNDING = 8 * UNIT  # of the damping gadget over its first slope; see Plan.rounding
# shares of the error that a step is allowed: gradient and roots of d_i; products; inverse; damping.
# The rest is second order.
SHARES = {"logistic": 0.15, "product": 0.02, "inverse": 0.013, "damping": 0.12}


@dataclass(frozen=True)
class Plan:
    """The gadgets of one step: numbers of cells, inner Newton steps k, and the bound on the error
    of the step.
    """

    d: int
    mu: float
    logistic: Gadget
    damping: Gadget
    product_cells: int
    inner_steps: int

    @property
    def upper(self) -> float:
        """A bound on the Hessian's largest eigenvalue: ||b_i|| <= 1/2 up to the error of b_i =
        sqrt(d_i) a_i.
        """
        return self.mu + (0.5 + self._root_error) ** 2

    @property
    def _root_error(self) -> float:
        return self.logistic.bounds["root"] + math.sqrt(self.d) * product_bound(self.product_cells)

    @property
    def rounding(self) -> float:
        """What float64 adds to the error of a step: an estimate, not a theorem.

        Near v = 0 the damping gadget has a slope s_0 as steep as its first cell is narrow. Its
        first neuron alone answers s_0 v, the others cancel that, and each of two roundings leaves u
        |s_0| v, u = 2^-53, in eta, which the direction's length weighs with sqrt(v / mu). From w =
        0 no step was seen with v = lambda^2 above 1; four times as much is allowed.
        """
        first = self.damping.values["damping"].diff()[0] / self.damping.knots.diff()[0]
        return ROUNDING * abs(first.item()) / math.sqrt(self.mu)

    @property
    def bound(self) -> float:
        """The theorem's bound on the Euclidean error of a step, and rounding; infinite where it or
        the lemma does not apply.
        """
        hessian, gradient = (
            self._root_error * (1 + self._root_error),
            self.logistic.bounds["probability"],
        )
        tau, delta = hessian / self.mu, inverse_bound(self.mu, self.upper, self.inner_steps)
        if tau >= 1:
            return math.inf
        total = (
            2 * (gradient + hessian) / self.mu
            + 2 * ((1 - tau) ** -0.5 - 1)
            + 2 * delta
            + 2 * (1 + delta) * ((1 - delta) ** -0.5 - 1)
            + math.sqrt(1 + delta) * self.damping.bounds["damping"]
            + self.rounding
        )
        decrement = decrement_bound(self.mu)
        seen = math.sqrt(1 + delta) * (
            (1 - tau) ** -0.5 * decrement + gradient / math.sqrt(self.mu)
        )
        return total if total <= largest_error(self.mu) and seen <= LEEWAY * decrement else math.inf


def plan(
    d: int, mu: float, error: float | None, knots: int | None, inner_steps: int | None, most: int
) -> Plan:
    """Gadgets whose bound meets ``error``; ``knots`` (cells of the scalar gadgets) and
    ``inner_steps`` override.

    Gadgets have at most ``most`` cells. Raises ValueError where that does not suffice, where
    neither ``error`` nor both of the others are given, where the error is larger than the lemma
    allows or smaller than float64 does, and where the overriding values miss it.
    """
    if error is None and (knots is None or inner_steps is None):
        raise ValueError(
            f"expected error, or both knots and inner_steps, found {error=}, {knots=}, {inner_steps=}"
        )
    allowed = math.inf if error is None else error
    if error is not None and error > largest_error(mu):
        raise ValueError(
            f"error must be at most sqrt(mu / (mu + 1/4)) / 4 = {largest_error(mu):.3g}, found {error}"
        )
    if error is not None and error < smallest_error(mu):
        raise ValueError(
            f"error must be at least 6e-10 / mu = {smallest_error(mu):.3g}, found {error}: less is lost in rounding"
        )
    if knots is not None:
        logistic, damping = logistic_gadget(margin_radius(mu), knots), damping_gadget(mu, knots)
        cells = math.ceil(
            2 * math.sqrt(knots)
        )  # two layers: the product's share of the bound does not grow with knots
    else:
        logistic = probability_gadget(mu, SHARES["logistic"] * mu * allowed, most)
        damping = smallest(lambda n: damping_gadget(mu, n), SHARES["damping"] * allowed, most)
        cells = math.ceil(
            math.sqrt(9 / 32 * math.sqrt(d) / (SHARES["product"] * mu * allowed)) ** 0.5
        )
    if inner_steps is None:
        inner_steps = inner_steps_for(mu, allowed)
    found = Plan(d, mu, logistic, damping, cells, inner_steps)
    if found.bound > allowed:
        raise ValueError(
            f"knots and inner_steps must keep a step within error = {error}, found a bound of {found.bound:.3g}"
        )
    return found


def inner_steps_for(mu: float, error: float) -> int:
    """The fewest inner Newton steps whose truncation stays within its share of ``error``."""
    return next(
        k for k in range(99) if inverse_bound(mu, mu + 0.26, k) <= SHARES["inverse"] * error
    )


def largest_error(mu: float) -> float:
    """The error of a step up to which the lemma keeps all iterates where the gadgets work."""
    return math.sqrt(mu / (mu + 0.25)) / 4


def smallest_error(mu: float, unit: float = UNIT) -> float:
    """The error of a step from which on arithmetic of a unit roundoff is exact enough:
    ``Plan.rounding`` is a sixteenth of it.

    With s_0 = 1 / (2 mu sqrt(0.24 error)), as the damping gadget's share of the error makes it. It
    is 6e-10 / mu in float64.
    """
    return 6e-10 / mu * (unit / UNIT) ** (2 / 3)


def inverse_bound(lower: float, upper: float, steps: int) -> float:
    """||I - X H|| after the Chebyshev start and ``steps`` scaled Newton steps: 1 / T_{2^(k+1)}((u +
    l) / (u - l)).
    """
    exponent = 2 ** (steps + 1) * math.acosh((upper + lower) / (upper - lower))
    return 1 / math.cosh(exponent) if exponent < 700 else 0.0
