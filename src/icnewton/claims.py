"""The paper's claims, and a few of this project's own, each beside a measured number, a criterion and a verdict.

A claim's measurement is a number with an interval, compared with a bound. ``holds`` and ``fails`` need the whole
interval on one side of the bound; an interval that straddles it, or data that a scale does not make, is
``not tested at this scale``. Claims know tables only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd

from icnewton.files import page
from icnewton.statistics import clusters, ratio, steps_of

HOLDS, FAILS, UNTESTED = "holds", "fails", "not tested at this scale"
EXACT = 1e-9  # relative error up to which a built model counts as executing its algorithm


@dataclass(frozen=True)
class Row:
    """One line of the table; ``sense`` is "<=" or ">=", ``figures`` the figures that show it."""

    claim: str
    condition: str
    statement: str
    sense: str
    bound: float
    measured: float
    low: float
    high: float
    where: str
    figures: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Where the interval lies relative to the bound."""
        if np.isnan([self.measured, self.low, self.high]).any():
            return UNTESTED
        inside = (self.high <= self.bound, self.low > self.bound)
        if self.sense == ">=":
            inside = (self.low >= self.bound, self.high < self.bound)
        return HOLDS if inside[0] else FAILS if inside[1] else UNTESTED


@dataclass(frozen=True)
class Evidence:
    """The tables that claims are read from: residuals and probes by condition, construction checks, diabetes data."""

    errors: Mapping[str, pd.DataFrame]
    probes: Mapping[str, pd.DataFrame]
    checks: pd.DataFrame
    diabetes: pd.DataFrame

    @cached_property
    def _cells(self) -> dict[tuple[str, str, int], np.ndarray]:
        return {
            (condition, str(method), int(step)): clusters(group)
            for condition, frame in self.errors.items()
            for (method, step), group in frame.groupby(["method", "step"], observed=True)
        }

    def depths(self, condition: str, family: str) -> list[int]:
        """Trained depths of a family."""
        return list(steps_of(self.errors[condition], family))

    def compare(self, condition: str, top: tuple[str, int], bottom: tuple[str, int]) -> tuple[float, float, float]:
        """Ratio of median errors of two (method, step) with its interval; nan where one of them was not evaluated.

        Methods with several seeds have their seeds' errors pooled within each covariance.
        """
        pair = [self._cells.get((condition, *side)) for side in (top, bottom)]
        return (np.nan,) * 3 if pair[0] is None or pair[1] is None else ratio(pair[0], pair[1])


Measurement = tuple[float, float, float, str]
NOTHING: Measurement = (np.nan, np.nan, np.nan, "no model for it was trained")


def extreme(ratios: Iterable[tuple[str, tuple[float, float, float]]], largest: bool) -> Measurement:
    """The largest or smallest of labelled ratios, with its own interval and label."""
    known = [(label, values) for label, values in ratios if not np.isnan(values[0])]
    if not known:
        return NOTHING
    label, values = (max if largest else min)(known, key=lambda item: item[1][0])
    return (*values, label)


def constructions(evidence: Evidence) -> Iterator[Row]:
    """L4.1, L4.1s and T4.2: errors against the algorithm, and shapes against the statement."""
    checks = evidence.checks[evidence.checks["order"] == 2]
    statements = {
        ("L4.1", "any"): ("one Newton step for any A", 2 * checks["steps"], 4 * checks["d"]),
        ("L4.1s", "symmetric"): ("one Newton step for symmetric A in one layer", checks["steps"], 4 * checks["d"]),
        ("T4.2", "gram"): ("T Newton steps and the prediction in 3 + T layers", 3 + checks["steps"], 4 * checks["d"] + 3),
    }
    for (claim, matrix), (statement, depth, width) in statements.items():
        rows = checks["matrix"] == matrix
        worst = checks.loc[checks.loc[rows, "error"].idxmax()]
        where = f"worst of {rows.sum()} settings: d = {worst.d:g}, κ = {worst.kappa:g}, T = {worst.steps:g}"
        error = float(worst.error)
        yield Row(claim, "random", f"{statement}: relative error", "<=", EXACT, error, error, error, where)
        over = (checks["depth"] - depth).where(rows).max()
        yield Row(claim, "random", "layers beyond the statement", "<=", 0, over, over, over, "read off the module")
        over = (checks["width"] - width).where(rows).max()
        yield Row(claim, "random", "width beyond the statement", "<=", 0, over, over, over, "read off the module")
        heads = checks["heads"].where(rows).max()
        yield Row(claim, "random", "heads", "<=", 2, heads, heads, heads, "read off the module")


def between_orders(evidence: Evidence) -> Iterator[Row]:
    """S6a: the error of LSA lies between those of Newton's iteration of order 2 and order 3 at equal layers and steps."""
    for condition in evidence.errors:
        depths = evidence.depths(condition, "lsa")
        for order, sense in ((2, "<="), (3, ">=")):
            pairs = ((f"{L} layers", evidence.compare(condition, ("lsa", L), (f"newton{order}", L))) for L in depths)
            value = extreme(pairs, largest=sense == "<=")
            text = f"LSA's error over that of order {order}, {'largest' if sense == '<=' else 'smallest'} over depths"
            yield Row("S6a", condition, text, sense, 1, *value, figures=("figure2", "figure8"))


def saturation(evidence: Evidence) -> Iterator[Row]:
    """S6b: beyond four layers the error of LSA falls by less than half."""
    for condition in evidence.errors:
        deeper = [L for L in evidence.depths(condition, "lsa") if L > 4]
        pairs = ((f"{L} layers over 4", evidence.compare(condition, ("lsa", L), ("lsa", 4))) for L in deeper[-1:])
        yield Row("S6b", condition, "LSA's error at the deepest over that at 4 layers", ">=", 0.5, *extreme(pairs, True),
                  figures=("figure2", "headline"))  # fmt: skip


def layer_norm(evidence: Evidence) -> Iterator[Row]:
    """S6c: LayerNorm lowers LSA's error at equal depth."""
    for condition in evidence.errors:
        depths = evidence.depths(condition, "lsa_ln")
        pairs = ((f"{L} layers", evidence.compare(condition, ("lsa_ln", L), ("lsa", L))) for L in depths)
        yield Row("S6c", condition, "error of LSA + LN over LSA's, largest over depths", "<=", 1, *extreme(pairs, True),
                  figures=("figure2", "figure9"))  # fmt: skip


def out_of_distribution(evidence: Evidence) -> Iterator[Row]:
    """S6d: far outside the training range LSA is not the linear function; with LN, 5 layers do better than deeper ones."""
    for condition, probes in evidence.probes.items():
        depths = evidence.depths(condition, "lsa")
        value = _deviation(probes, "lsa", depths[-1]) if depths else NOTHING
        yield Row("S6d", condition, "LSA's distance from the linear function at 6.7 times the training range",
                  ">=", 0.1, *value, figures=("figure3", "figure4"))  # fmt: skip
        deeper = [L for L in evidence.depths(condition, "lsa_ln") if L in (7, 10, 12)]
        base = _deviation(probes, "lsa_ln", 5)[0]
        far = (_deviation(probes, "lsa_ln", L) for L in deeper)
        ratios = [(label, (base / value, base / high, base / low)) for value, low, high, label in far]
        yield Row("S6d", condition, "LSA + LN: that distance at 5 layers over 7, 10, 12, largest", "<=", 1,
                  *extreme(ratios, True), figures=("figure5", "figure6"))  # fmt: skip


def _deviation(probes: pd.DataFrame, method: str, step: int) -> Measurement:
    """Median over prompts of |output - least squares| / |slope * value| at the ends of the probe, with an interval."""
    rows = probes[(probes["method"] == method) & (probes["step"] == step)]
    rows = rows[rows["value"].abs() == probes["value"].abs().max()]
    if rows.empty:
        return NOTHING
    relative = (rows["output"] - rows["least_squares"]).abs() / (rows["slope"] * rows["value"]).abs()
    by_prompt = relative.groupby(rows["covariance"]).median().to_numpy()
    generator = np.random.default_rng(0)
    samples = np.median(generator.choice(by_prompt, (400, len(by_prompt))), axis=1)
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(np.median(by_prompt)), float(low), float(high), f"{step} layers, {len(by_prompt)} prompts"


def ill_conditioned(evidence: Evidence) -> Iterator[Row]:
    """S7: on worse conditioned and noisy problems trained models still beat Newton of order 2 (LSA) and 4 (LSA + LN)."""
    for family, order in (("lsa", 2), ("lsa_ln", 4)):
        for condition in evidence.errors:
            depths = evidence.depths(condition, family)
            pairs = ((f"{L} layers", evidence.compare(condition, (family, L), (f"newton{order}", L))) for L in depths)
            text = f"error of {family} over that of order {order} at equal layers and steps, largest over depths"
            yield Row("S7", condition, text, "<=", 1, *extreme(pairs, True), figures=("figure8", "figure9"))


def depth_pays(evidence: Evidence) -> Iterator[Row]:
    """Our own: how much each layer up to four gains, and how near training comes to the best polynomial."""
    for condition in evidence.errors:
        depths = [L for L in evidence.depths(condition, "lsa") if L <= 4]
        pairs = (
            (f"{K} to {L} layers", evidence.compare(condition, ("lsa", K), ("lsa", L)))
            for K, L in zip(depths, depths[1:], strict=False)
        )
        yield Row("depth", condition, "LSA's error before over after one more layer, up to 4, smallest", ">=", 5,
                  *extreme(pairs, False), figures=("headline",))  # fmt: skip
        shallow = ((f"{L} layers", evidence.compare(condition, ("lsa", L), ("best_polynomial", L))) for L in (1, 2))
        yield Row("optimal", condition, "LSA's error over the best fixed polynomial's at 1 and 2 layers, largest",
                  "<=", 1.15, *extreme(shallow, True), figures=("headline",))  # fmt: skip


def real_data(evidence: Evidence) -> Iterator[Row]:
    """Our own: built transformers on the diabetes data against numpy.linalg.lstsq."""
    for (method, n), rows in evidence.diabetes.groupby(["method", "n"]):
        if rows["kind"].iloc[0] == "built":
            error = float(rows["relative_to_lstsq"].max())
            where = f"worst of {len(rows)} prompts of {n} patients, {rows['layers'].iloc[0]} layers"
            yield Row("diabetes", "real data", f"{method} against lstsq: relative difference", "<=", 1e-6, *[error] * 3, where)


CLAIMS: tuple[Callable[[Evidence], Iterator[Row]], ...] = (
    constructions,
    between_orders,
    saturation,
    layer_norm,
    out_of_distribution,
    ill_conditioned,
    depth_pays,
    real_data,
)


def assess(evidence: Evidence) -> list[Row]:
    """Every claim's rows, in the order of the paper."""
    return [row for claim in CLAIMS for row in claim(evidence)]


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """The claims table: claim, condition, what was measured, criterion, number, interval, verdict."""
    return pd.DataFrame(
        {
            "claim": row.claim,
            "condition": row.condition,
            "quantity": row.statement,
            "criterion": f"{row.sense} {row.bound:g}",
            "measured": row.measured,
            "low": row.low,
            "high": row.high,
            "where": row.where,
            "verdict": row.verdict,
        }
        for row in rows
    )


SYMBOLS = {HOLDS: "&#10003; ", FAILS: "&#10007; ", UNTESTED: "&ndash; "}


def html(rows: Iterable[Row]) -> str:
    """The claims table as a page; verdicts differ in symbol and word, not in colour alone."""
    header = "".join(f"<th>{name}</th>" for name in ("claim", "condition", "quantity", "criterion", "measured [95 %]",
                                                     "where", "verdict"))  # fmt: skip
    return page("Claims", f"<table id='claims'><tr>{header}</tr>{''.join(map(_html_row, rows))}</table>")


def _html_row(row: Row) -> str:
    style = {HOLDS: "holds", FAILS: "fails"}.get(row.verdict, "untested")
    words = "".join(f"<td>{escape(text)}</td>" for text in (row.claim, row.condition, row.statement))
    return (
        f"<tr>{words}<td class='number'>{escape(row.sense)} {row.bound:g}</td><td class='number'>{_number(row)}</td>"
        f"<td>{escape(row.where)}</td><td class='{style}'>{SYMBOLS[row.verdict]}{row.verdict}</td></tr>"
    )


def _number(row: Row) -> str:
    if np.isnan(row.measured):
        return "&ndash;"
    spread = f" [{row.low:.3g}, {row.high:.3g}]" if row.low < row.high else ""
    return f"{row.measured:.3g}{spread}"


def caption(rows: Iterable[Row], figure: str) -> str:
    """The verdicts that a figure bears on, as reStructuredText."""
    lines = [
        f"* **{row.claim}** ({row.condition}): {row.statement} {row.sense} {row.bound:g}; measured {row.measured:.3g} "
        f"[{row.low:.3g}, {row.high:.3g}], {row.where}: **{row.verdict}**."
        for row in rows
        if figure in row.figures and row.verdict != UNTESTED
    ]
    return "\n".join(["", *lines, ""]) if lines else "\nNo claim of the table rests on this figure alone.\n"
