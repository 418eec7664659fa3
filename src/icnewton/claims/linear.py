"""The linear half: Lemma 4.1, Theorem 4.2, Sections 6 and 7, and this project's own findings."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from icnewton.claims.evidence import NOTHING, Evidence, Measurement, Row, exactly, extreme

EXACT = 1e-9  # relative error up to which a built model counts as executing its algorithm


def constructions(evidence: Evidence) -> Iterator[Row]:
    """L4.1, L4.1s and T4.2: errors against the algorithm, and shapes, read off the modules, against the statement."""
    checks = evidence.checks[evidence.checks["order"] == 2]
    shapes = {
        ("L4.1", "any"): (2 * checks["steps"], 4 * checks["d"]),
        ("L4.1s", "symmetric"): (checks["steps"], 4 * checks["d"]),
        ("T4.2", "gram"): (3 + checks["steps"], 4 * checks["d"] + 3),
    }
    for (claim, matrix), (depth, width) in shapes.items():
        rows = checks[checks["matrix"] == matrix]
        worst = rows.loc[rows["error"].idxmax()]
        where = f"worst of {len(rows)} settings: d = {worst.d:g}, κ = {worst.kappa:g}, T = {worst.steps:g}"
        yield Row(claim, "random problems", "relative error against the algorithm", "<=", EXACT, exactly(worst.error, where))
        excess = pd.concat([rows["depth"] - depth, rows["width"] - width, rows["heads"] - 2]).max()
        where = f"{len(rows)} modules, hidden width {rows['hidden_width'].max()}"
        yield Row(claim, "random problems", "layers, width or heads beyond the statement", "<=", 0, exactly(excess, where))


def between_orders(evidence: Evidence) -> Iterator[Row]:
    """S6a at equal layers and steps: at most the error of order 2, at least that of order 3."""
    for condition, depths in evidence.trained("lsa"):
        for order, sense in ((2, "<="), (3, ">=")):
            pairs = ((f"{L} layers", evidence.compare(condition, ("lsa", L), (f"newton{order}", L))) for L in depths)
            end = "largest" if sense == "<=" else "smallest"
            text = f"LSA's error over that of order {order}, {end} over depths"
            value = extreme(pairs, largest=sense == "<=")
            yield Row("S6a", condition, text, sense, 1, value, ("figure2", "figure2_paper", "figure8"))


def saturation(evidence: Evidence) -> Iterator[Row]:
    """S6b: beyond four layers the error of LSA falls by less than half."""
    for condition, depths in evidence.trained("lsa"):
        deepest = [L for L in depths if L > 4][-1:]
        pairs = ((f"{L} layers over 4", evidence.compare(condition, ("lsa", L), ("lsa", 4))) for L in deepest)
        text = "LSA's error at the deepest over that at 4 layers"
        yield Row("S6b", condition, text, ">=", 0.5, extreme(pairs, True), ("figure2", "figure2_paper", "headline"))


def layer_norm(evidence: Evidence) -> Iterator[Row]:
    """S6c: LayerNorm lowers LSA's error at equal depth."""
    for condition, depths in evidence.trained("lsa_ln"):
        pairs = ((f"{L} layers", evidence.compare(condition, ("lsa_ln", L), ("lsa", L))) for L in depths)
        text = "error of LSA + LN over LSA's, largest over depths"
        yield Row("S6c", condition, text, "<=", 1, extreme(pairs, True), ("figure2", "figure9"))


def out_of_distribution(evidence: Evidence) -> Iterator[Row]:
    """S6d: far outside the training range LSA is not the linear function; with LN, 5 layers do better than deeper ones."""
    for condition, depths in evidence.trained("lsa"):
        value = _deviation(evidence.probes[condition], "lsa", depths[-1])
        text = "LSA's distance from the linear function at 6.7 times the training range"
        yield Row("S6d", condition, text, ">=", 0.1, value, ("figure3", "figure4"))
    for condition, depths in evidence.trained("lsa_ln"):
        probes = evidence.probes[condition]
        base = _deviation(probes, "lsa_ln", 5)[0]
        far = (_deviation(probes, "lsa_ln", L) for L in depths if L in (7, 10, 12))
        ratios = [(label, (base / value, base / high, base / low)) for value, low, high, label in far]
        text = "LSA + LN: that distance at 5 layers over 7, 10, 12, largest"
        yield Row("S6d", condition, text, "<=", 1, extreme(ratios, True), ("figure5", "figure6"))


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
    for family, name, order in (("lsa", "LSA", 2), ("lsa_ln", "LSA + LN", 4)):
        for condition, depths in evidence.trained(family):
            pairs = ((f"{L} layers", evidence.compare(condition, (family, L), (f"newton{order}", L))) for L in depths)
            text = f"error of {name} over that of order {order}, largest over depths"
            yield Row("S7", condition, text, "<=", 1, extreme(pairs, True), ("figure8", "figure9"))


def depth_pays(evidence: Evidence) -> Iterator[Row]:
    """What each layer up to four gains, and how near training comes to the best fixed polynomial."""
    for condition, depths in evidence.trained("lsa"):
        if not condition.endswith("_noise0"):
            continue  # with label noise the floor is the noise, not the depth
        steps = [(K, L) for K, L in itertools.pairwise(depths) if L <= 4]
        gains = ((f"{K} to {L} layers", evidence.compare(condition, ("lsa", K), ("lsa", L))) for K, L in steps)
        text = "LSA's error over that with one more layer, smallest up to 4 layers"
        yield Row("depth", condition, text, ">=", 5, extreme(gains, False), ("headline",))
        shallow = [(f"{L} layers", evidence.compare(condition, ("lsa", L), ("best_polynomial", L))) for L in (1, 2)]
        if not all(np.isnan(values[0]) for _, values in shallow):
            text = "LSA's error over the best fixed polynomial's at 1 and 2 layers, largest"
            yield Row("optimal", condition, text, "<=", 1.15, extreme(shallow, True), ("headline",))


def real_data(evidence: Evidence) -> Iterator[Row]:
    """Built transformers on the diabetes data against numpy.linalg.lstsq."""
    built = evidence.diabetes[evidence.diabetes["kind"] == "built"]
    for (method, n), rows in built.groupby(["method", "n"]):
        where = f"worst of {len(rows)} prompt(s) of {n} patients, {rows['layers'].iloc[0]} layers"
        value = exactly(rows["relative_to_lstsq"].max(), where)
        yield Row("diabetes", "diabetes", f"{method}: relative difference from lstsq", "<=", 1e-6, value)


MEASURES: dict[Callable[[Evidence], Iterator[Row]], dict[str, str]] = {
    constructions: {
        "L4.1": "One Newton step for any A: 2 linear-attention layers, 2 heads each, width 4d, no feed-forward.",
        "L4.1s": "For symmetric A one layer suffices.",
        "T4.2": "T Newton steps and the prediction: 3 + T layers, 2 heads, width at most 4d + 3.",
    },
    between_orders: {"S6a": "Trained LSA lies between Newton's iteration of order 2 and order 3."},
    saturation: {"S6b": "LSA stops improving after about 4 layers."},
    layer_norm: {"S6c": "LayerNorm improves LSA."},
    out_of_distribution: {
        "S6d": "LSA does not learn the linear function out of distribution; with LN, 5 layers do better than 7, 10, 12."
    },
    ill_conditioned: {"S7": "On ill-conditioned problems LSA and LSA + LN still find higher-order methods."},
    depth_pays: {
        "depth": "Our own: without noise, every layer up to four lowers the error of LSA at least fivefold.",
        "optimal": "Our own: at one and two layers training finds the best polynomial that the depth can express.",
    },
    real_data: {"diabetes": "Our own: on real data the built transformer is least squares."},
}
