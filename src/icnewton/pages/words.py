"""How numbers and formulas are written on a page."""

import math
import re

from latex2mathml.converter import convert
from markupsafe import Markup, escape

MINUS = "\u2212"


def number(value: float | None, digits: int = 2) -> Markup:
    """A number with so many significant digits, as 0.034, 12 or 3.4 · 10⁻⁷; a dash for none."""
    if value is None or math.isnan(value):
        return Markup("–")
    if value == 0:
        return Markup("0")
    if math.isinf(value):
        return Markup("∞" if value > 0 else f"{MINUS}∞")
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    power = int(exponent)
    if -3 <= power < 5:
        plain = f"{float(f'{value:.{digits - 1}e}'):,.{max(digits - 1 - power, 0)}f}"
        return Markup(plain.replace("-", MINUS).replace(",", "\u202f"))
    sign = MINUS if power < 0 else ""
    mantissa = mantissa.replace("-", MINUS)
    return Markup(f"{mantissa}\u202f·\u202f10<sup>{sign}{abs(power)}</sup>")


SIGNS = {"eps": "ε", "kappa": "κ", "mu": "μ", "lambda": "λ", "sigma": "σ", "<=": "≤", ">=": "≥"}
SPELLED = re.compile(r"\b(?:eps|kappa|mu|lambda|sigma)(?=\b|_|\^)|<=|>=")


def typeset(text: str) -> str:
    """Plain text with the signs that it spells: ``eps <= 1`` as ε ≤ 1."""
    return SPELLED.sub(lambda found: SIGNS[found.group()], text)


def percent(share: float, digits: int = 0) -> Markup:
    """A share as 94 %."""
    return Markup(f"{100 * share:.{digits}f}\u202f%")


def formula(latex: str, display: bool = False) -> Markup:
    """LaTeX as MathML, which browsers draw by themselves; its source is what is read aloud."""
    mathml = convert(latex, display="block" if display else "inline")
    return Markup(mathml.replace("<math ", f'<math aria-label="{escape(latex)}" ', 1))
