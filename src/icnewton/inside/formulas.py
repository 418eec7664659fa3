"""What a layer does, in formulas and words, from its decompiled heads and neurons.

Tokens are columns, as in the paper, so that a block of d rows is a d x tokens matrix. A block that
holds the identity in the first d tokens drops out of products: a a^T I is a a^T, the Gram matrix,
in the first d tokens.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.constructions.parts.heads import Head
from icnewton.inside.decompile import Curve, Network
from icnewton.models.stream import Rows

SHOWN = 4  # terms of a combination that are written out
SMALL = 1e-12  # coefficients below are rounding of others that cancel
Sum = dict[str, float]  # monomials in LaTeX, with coefficients


@dataclass(frozen=True)
class State:
    """What is known of blocks on this prompt before something is added to them.

    identities: hold the identity in the first tokens and nothing beyond. zeros: hold nothing.
    matrices: hold nothing beyond the first d tokens.
    """

    identities: frozenset[str]
    zeros: frozenset[str]
    matrices: frozenset[str]


def state_of(blocks: Mapping[str, Tensor]) -> State:
    """The state of blocks ``(1, tokens, size)``."""
    found: dict[str, set[str]] = {"identities": set(), "zeros": set(), "matrices": set()}
    for name, block in blocks.items():
        size = block.shape[-1]
        first, beyond = block[0, :size], block[0, size:]
        if not bool(block.any()):
            found["zeros"].add(name)
        if bool(beyond.any()):
            continue
        found["matrices"].add(name)
        if size > 1 and torch.equal(first, torch.eye(len(first), size, dtype=block.dtype)):
            found["identities"].add(name)
    return State(**{kind: frozenset(names) for kind, names in found.items()})


def attention_formulas(heads: Sequence[Head], state: State) -> list[str]:
    """A formula for each block that heads write, all heads together."""
    sums: dict[str, Sum] = {}
    for head in heads:
        for target, value in head.value.items():
            total = sums.setdefault(target, _itself(target, state))
            for source, size in value.terms.items():
                factor, monomial = _product(source, head, state)
                if monomial == symbol(source) and source not in state.matrices:
                    monomial = rf"{monomial} I^\top I"  # the part in the first d tokens
                total[monomial] = total.get(monomial, 0.0) + size * factor
    return [_formula(target, total) for target, total in sums.items()]


def head_formula(head: Head, state: State) -> str:
    """What one head adds to the blocks that it writes."""
    parts = []
    for target, value in head.value.items():
        total: Sum = {}
        for source, size in value.terms.items():
            factor, monomial = _product(source, head, state)
            total[monomial] = total.get(monomial, 0.0) + size * factor
        parts.append(rf"{symbol(target)} \mathrel{{+}}= {_sum(total)}")
    return r",\quad ".join(parts)


def head_words(head: Head) -> str:
    """Which blocks a head reads, and which it writes."""
    read = _names(name for rows in head.value.values() for name in rows.terms)
    key, query, written = _names(head.key.terms), _names(head.query.terms), _names(head.value)
    return f"takes {key} as key, {query} as query and {read} as value, and writes {written}"


def network_formulas(network: Network, state: State) -> tuple[list[str], list[Curve]]:
    """A formula for each block that neurons write, and the functions f_1, f_2, ... in them."""
    sums: dict[str, Sum] = {}
    functions = []
    for curve in network.curves:
        total = sums.setdefault(curve.target, _itself(curve.target, state))
        if curve.coefficient is None:
            functions.append(curve)
            total[rf"f_{{{len(functions)}}}({combination(curve.source)})"] = 1.0
            continue
        for name, size in curve.source.terms.items():
            monomial = symbol(name)
            total[monomial] = total.get(monomial, 0.0) + size * curve.coefficient
    for name, size in network.constants.items():
        sums.setdefault(name, _itself(name, state))["1"] = size
    return [_formula(target, total) for target, total in sums.items()], functions


def symbol(name: str) -> str:
    """A block's name in LaTeX, as x_{12}."""
    letters, digits = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
    letters = letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
    return f"{letters}_{{{digits}}}" if digits else letters


def figure(value: float) -> str:
    """A coefficient in LaTeX, with four significant digits."""
    mantissa, _, exponent = f"{value:.3e}".partition("e")
    if -3 <= int(exponent) < 5:
        return f"{value:.4g}" if int(exponent) < 4 else f"{value:.0f}"
    return rf"{float(mantissa):g} \cdot 10^{{{int(exponent)}}}"


def _itself(target: str, state: State) -> Sum:
    """What the residual connection keeps of a block."""
    return {} if target in state.zeros else {symbol(target): 1.0}


def _product(source: str, head: Head, state: State) -> tuple[float, str]:
    """(source)(key)^T(query), as a factor and a monomial, without identities."""
    factor, parts = 1.0, []
    if source not in state.identities:
        parts.append(symbol(source))
    for rows, mark in ((head.key, r"^\top"), (head.query, "")):
        (first, size), *others = rows.terms.items()
        if others:
            parts.append(rf"\left({combination(rows)}\right){mark}")
            continue
        factor *= size
        if first not in state.identities:
            parts.append(symbol(first) + mark)
    return factor, r" ".join(parts) or "I"


def combination(rows: Rows) -> str:
    """A combination of blocks in LaTeX."""
    return _sum({symbol(name): size for name, size in rows.terms.items()})


def _formula(target: str, total: Sum) -> str:
    return rf"{symbol(target)} \leftarrow {_sum(total)}"


def _sum(total: Sum) -> str:
    """A sum in LaTeX; of a long one the first and the last terms."""
    terms = [(size, monomial) for monomial, size in total.items() if abs(size) > SMALL]
    if len(terms) > SHOWN:
        last = _signed(terms[-1:])
        sign = "" if last.startswith("-") else "+"
        return rf"{_signed(terms[:2])} + \cdots {sign} {last}"
    return _signed(terms) or "0"


def _signed(terms: Iterable[tuple[float, str]]) -> str:
    words = ""
    for size, monomial in terms:
        sign = "-" if size < 0 else "+" if words else ""
        is_one = math.isclose(abs(size), 1.0, rel_tol=SMALL) and monomial != "1"
        number = "" if is_one else figure(abs(size))
        words += f" {sign} {number} {'' if monomial == '1' else monomial}"
    return " ".join(words.split())


def _names(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    if len(unique) > SHOWN:
        return f"{', '.join(unique[:2])}, …, {unique[-1]} ({len(unique)} blocks)"
    return " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)
