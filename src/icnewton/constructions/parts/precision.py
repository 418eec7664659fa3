"""How exactly a built damped-Newton step computes: explicit bounds in place of O(.).

**Theorem.** Let ||a_i|| <= 1, c = 2 sqrt(mu), and let the step use

    a gradient            g + e,              ||e|| <= e_g
    a Hessian             H + E >= mu I,      ||E|| <= e_H = tau mu < mu,  symmetric
    an inverse            (I - R)(H + E)^{-1} with R a polynomial in H + E, ||R|| <= delta < 1
    a damping gadget      eta(v) = c / (c + sqrt v) with |error(v)| sqrt(v / mu) <= e_eta.

Then it differs from the exact damped-Newton step at the same w by at most

    2 (e_g + e_H) / mu + 2 ((1 - tau)^{-1/2} - 1) + 2 delta
    + 2 (1 + delta) ((1 - delta)^{-1/2} - 1) + (1 + delta)^{1/2} e_eta.

*Proof.* Write D = H^{-1} g, lambda^2 = g^T D and eta = c / (c + lambda), and D~, lambda~ and eta~
for the same with g + e and H + E. Since ||D|| <= lambda / sqrt mu, a damped step is never long:
eta ||D|| <= 2 and eta~ ||D~|| <= 2.

    (1) eta ||D~ - D|| = eta ||(H + E)^{-1}(e - E D)|| <= (e_g + 2 e_H) / mu.
    (2) |lambda~ - lambda| <= e_g / sqrt mu + lambda ((1 - tau)^{-1/2} - 1)
        and |eta~ - eta| = eta eta~ |lambda~ - lambda| / c,
        so |eta~ - eta| ||D~|| <= e_g / mu + 2 ((1 - tau)^{-1/2} - 1).
    (3) The direction (I - R) D~ is off by eta~ ||R D~|| <= 2 delta.
    (4) v = (g + e)^T (I - R) D~ lies within a factor 1 -+ delta of lambda~^2,
        which as in (2) costs 2 (1 + delta)((1 - delta)^{-1/2} - 1).
    (5) ||(I - R) D~||^2 <= (1 + delta) v / mu. QED

**Lemma.** Let L = mu + 1/4 and let every step be within e <= (mu / L)^{1/2} / 4 of the exact one.
Then f(w_t) <= log 2 + mu / 8 for all iterates from w = 0. Hence
|w_t^T a_i| <= ||w_t|| <= (2 log 2 / mu + 1/4)^{1/2}, and lambda(w_t) is bounded as well.

*Proof.* Let t = lambda / (2 sqrt mu).

    (1) An exact step lowers f by at least 2 mu t^2 / (1 + t)
        and ends where ||grad f|| <= 4 (L mu)^{1/2} t^2 / (1 + t).
    (2) The error adds at most e times that gradient, and L e^2 / 2,
        so f changes by at most -mu t^2 / (1 + t) + L e^2 / 2.
    (3) Where f rises, t^2 / (1 + t) < L e^2 / (2 mu) <= 1/32, so t < 1/5. There f is within
        3 L e^2 / 2 of its minimum, and within 2 L e^2 <= mu / 8 after the step.
    (4) The minimum is at most f(0) = log 2. QED

Theorem 5.2 bounds the damping for any direction instead. An error e in lambda^2 is then an error
sqrt(e) in eta, and with ||E'|| <= e_H / (mu (mu - e_H)) on the inverse this gives its width of
order eps^-4 mu^-8. But eta is inaccurate only where lambda is small, and the direction is small
there too. The product is Lipschitz, as (2) and (5) show.
"""

import math
from dataclasses import dataclass

from icnewton.algorithms.parts.extremal import least_maximum
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
# Shares of the error allowed to a step; ``logistic`` covers the gradient and the roots of d_i.
# The rest is for second-order terms.
SHARES = {"logistic": 0.15, "product": 0.02, "inverse": 0.013, "damping": 0.12}


@dataclass(frozen=True)
class Plan:
    """The gadgets of one step: numbers of cells, and the number k of inner Newton steps."""

    d: int
    mu: float
    logistic: Gadget
    damping: Gadget
    product_cells: int
    inner_steps: int

    @property
    def upper(self) -> float:
        """A bound on the Hessian's largest eigenvalue: ||b_i|| <= 1/2 up to the error of b_i."""
        return self.mu + (0.5 + self._root_error) ** 2

    @property
    def _root_error(self) -> float:
        return self.logistic.bounds["root"] + math.sqrt(self.d) * product_bound(self.product_cells)

    @property
    def rounding(self) -> float:
        """What float64 adds to the error of a step: an estimate, not a theorem.

        Near v = 0 the damping gadget has a slope s_0, which is steep because its first cell is
        narrow. There its first neuron alone answers s_0 v, and the others cancel that. Each of two
        roundings leaves an error u |s_0| v in eta, u = 2^-53, which the direction's length weights
        with sqrt(v / mu). From w = 0 no step was seen with v = lambda^2 above 1; four times as much
        is allowed.
        """
        first = self.damping.values["damping"].diff()[0] / self.damping.knots.diff()[0]
        return ROUNDING * abs(first.item()) / math.sqrt(self.mu)

    @property
    def bound(self) -> float:
        """A bound on the Euclidean error of a step: the theorem's, plus rounding.

        It is infinite where the theorem or the lemma does not apply.
        """
        gradient = self.logistic.bounds["probability"]
        hessian = self._root_error * (1 + self._root_error)
        tau = hessian / self.mu
        delta = inverse_bound(self.mu, self.upper, self.inner_steps)
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
        holds = total <= largest_error(self.mu) and seen <= LEEWAY * decrement
        return total if holds else math.inf


def plan(
    d: int, mu: float, error: float | None, knots: int | None, inner_steps: int | None, most: int
) -> Plan:
    """Gadgets whose bound meets ``error``.

    ``knots`` (cells of the scalar gadgets) and ``inner_steps`` override the choice made from
    ``error``. Gadgets have at most ``most`` cells. Raises ValueError where that does not suffice,
    where neither ``error`` nor both of the others are given, where ``error`` is larger than the
    lemma allows or smaller than float64 can keep, and where the overriding values miss it.
    """
    if error is None and (knots is None or inner_steps is None):
        raise ValueError(
            "expected error, or both knots and inner_steps, "
            f"found {error=}, {knots=}, {inner_steps=}"
        )
    allowed = math.inf if error is None else error
    if error is not None and error > largest_error(mu):
        most_allowed = f"sqrt(mu / (mu + 1/4)) / 4 = {largest_error(mu):.3g}"
        raise ValueError(f"error must be at most {most_allowed}, found {error}")
    if error is not None and error < smallest_error(mu):
        least = f"6e-10 / mu = {smallest_error(mu):.3g}"
        raise ValueError(f"error must be at least {least}, found {error}: less is lost in rounding")
    if knots is not None:
        logistic, damping = logistic_gadget(margin_radius(mu), knots), damping_gadget(mu, knots)
        # two layers of squares, so that the product's share of the bound does not grow with knots
        cells = math.ceil(2 * math.sqrt(knots))
    else:
        logistic = probability_gadget(mu, SHARES["logistic"] * mu * allowed, most)
        damping = smallest(lambda n: damping_gadget(mu, n), SHARES["damping"] * allowed, most)
        cells = product_cells_for(d, mu, allowed)
    if inner_steps is None:
        inner_steps = inner_steps_for(mu, allowed)
    found = Plan(d, mu, logistic, damping, cells, inner_steps)
    if found.bound > allowed:
        raise ValueError(
            f"knots and inner_steps must keep a step within error = {error}, "
            f"found a bound of {found.bound:.3g}"
        )
    return found


def product_cells_for(d: int, mu: float, error: float) -> int:
    """The fewest cells with which sqrt(d) ``product_bound`` stays within its share of ``error``."""
    fourth_power = 9 / 32 * math.sqrt(d) / (SHARES["product"] * mu * error)
    return math.ceil(math.sqrt(fourth_power) ** 0.5)


def inner_steps_for(mu: float, error: float) -> int:
    """The fewest inner Newton steps whose truncation stays within its share of ``error``."""
    allowed = SHARES["inverse"] * error
    return next(k for k in range(99) if inverse_bound(mu, mu + 0.26, k) <= allowed)


def largest_error(mu: float) -> float:
    """The largest error of a step for which the lemma keeps all iterates in the gadgets' range."""
    return math.sqrt(mu / (mu + 0.25)) / 4


def smallest_error(mu: float, unit: float = UNIT) -> float:
    """The smallest error of a step for which arithmetic of a unit roundoff is exact enough.

    ``Plan.rounding`` is then a sixteenth of it, with s_0 = 1 / (2 mu sqrt(0.24 error)) from the
    damping gadget's share of the error. In float64 it is 6e-10 / mu.
    """
    return 6e-10 / mu * (unit / UNIT) ** (2 / 3)


def unfit_error(mu: float, error: float) -> list[str]:
    """What is wrong with an error that is asked of a step, in words, if anything is."""
    if error > largest_error(mu):
        return [f"error: expected at most {largest_error(mu):.3g} at mu = {mu:g}, found {error}"]
    if error < smallest_error(mu):
        return [f"error: expected at least {smallest_error(mu):.3g} at mu = {mu:g}, found {error}"]
    return []


def inverse_bound(lower: float, upper: float, steps: int) -> float:
    """||I - X H|| after the Chebyshev start and ``steps`` scaled Newton steps.

    It is 1 / T_{2^(k+1)}((upper + lower) / (upper - lower)) for k steps.
    """
    return least_maximum(2 ** (steps + 1), lower, upper)
