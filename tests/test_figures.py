"""Every kind of figure draws any table of its columns, and leaves matplotlib's state alone."""

import subprocess
import sys
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, environment_of

from icnewton.evaluation.statistics import FAR
from icnewton.figures import FIGURES, Words, draw
from icnewton.figures.parts.style import LOOKS, looks

PLACES = ("normalised_kappa10_noise0", "unnormalised_kappa10_noise0.1")
PANELS = {
    "linear": {"models": {"lsa": [1, 2], "lsa-clip": [2]}, "algorithms": ["newton2", "newton3"]},
    "logistic": {"models": {"softmax": [1, 2]}, "algorithms": ["damped_newton"]},
}
QUANTITIES = {"linear": ["error"], "logistic": ["loss", "excess", "distance", "training_error"]}
BUILT = ("built_newton2", "built_damped_newton", "best_polynomial", "query_as_example")
WORDS = Words(
    methods={"lsa": "a linear model"},
    conditions={place: f"the place {place}, in words, noise 0" for place in PLACES},
    quantities={"error": "how wrong", "loss": "how lossy"},
)


def steps_of(problem):
    """Methods with their kinds and steps, and what some of them cost."""
    panel = PANELS[problem]
    for family, depths in panel["models"].items():
        yield from ((family, "learned", depth, depth) for depth in depths)
    for algorithm, step in product((*panel["algorithms"], *BUILT), range(4)):
        yield algorithm, "reference", step, 3 + step


def medians(problem):
    spread = ("median", "low", "high", "mean", "seed_low", "seed_high")
    rows = []
    for (method, kind, step, layers), quantity in product(steps_of(problem), QUANTITIES[problem]):
        words = {"method": method, "kind": kind, "step": step, "layers": float(layers)}
        values = dict.fromkeys(spread, 10.0**-step)
        counts = {"covariances": 4, "prompts": 8, "seeds": 1, "diverged": 0, "quantity": quantity}
        rows.append(words | values | counts)
    return pd.DataFrame(rows)


def errors():
    source, blocks = np.random.default_rng(0), []
    for method, kind, step, layers in steps_of("linear"):
        words = {"method": method, "kind": kind, "seed": 0, "step": step, "layers": float(layers)}
        places = {"covariance": np.arange(8) // 2, "prompt": np.arange(8)}
        values = source.standard_normal(8) * 10.0**-step
        for quantity, drawn in (("residual", values), ("squared_error", values**2)):
            judged = {"quantity": quantity, "value": drawn}
            blocks.append(pd.DataFrame(words | places | judged))
    return pd.concat(blocks, ignore_index=True)


def probes():
    values, blocks = np.linspace(-FAR, FAR, 41), []
    for (method, kind, step, _), covariance in product(steps_of("linear"), range(2)):
        words = {"method": method, "kind": kind, "seed": 0, "step": step, "covariance": covariance}
        lines = {"value": values, "slope": 1.0, "least_squares": values}
        blocks.append(pd.DataFrame(words | lines | {"output": values * (1 - 2.0**-step)}))
    return pd.concat(blocks, ignore_index=True)


def responses():
    eigenvalues, blocks = np.geomspace(2, 50, 21), []
    for method, kind, step, layers in steps_of("linear"):
        words = {"method": method, "kind": kind, "seed": 0, "step": step, "layers": layers}
        for part in ("identity", "prompts")[: 1 + (kind == "learned")]:
            left = (1 - eigenvalues / 60) ** step
            values = {"eigenvalue": eigenvalues, "residual": left, "error": left}
            blocks.append(pd.DataFrame(words | {"part": part, "is_linear": True} | values))
    return pd.concat(blocks, ignore_index=True)


def decoding():
    sources = [("labels", "moment", -1)]
    sources += product(("trained", "untrained"), ("answer", "mean"), range(3))
    rows = []
    for algorithm, iterate, source in product(("damped_newton",), (1, 2, 4), sources):
        names = dict(zip(("source", "place", "layer"), source, strict=True))
        words = {"method": "softmax", "seed": 0, "algorithm": algorithm, "iterate": iterate}
        r2 = 0.2 * source[2]
        values = {"r2": r2, "low": r2 - 0.1, "high": r2 + 0.1}
        rows += [words | names | values | {"step": depth} for depth in (1, 2)]
    return pd.DataFrame(rows)


def transfer():
    table = medians("linear")
    learned, blocks = table[table["kind"] == "learned"], []
    for trained_on, tested_on in product(PLACES, PLACES):
        differs = "nothing" if trained_on == tested_on else "protocol, noise"
        where = {"trained_on": trained_on, "tested_on": tested_on, "differs": differs}
        blocks.append(learned.assign(**where, kappa=10.0))
        if trained_on == tested_on:
            harder = {"tested_on": tested_on.replace("10", "50"), "differs": "kappa", "kappa": 50.0}
            blocks.append(learned.assign(**where | harder))
    return pd.concat(blocks, ignore_index=True)


def measurement(name):
    if name == "decrease":
        functions = product(("slope", "value"), (0.0, 1.0), (-1.0, 0.0, 1.0))
        rows = [(f, x, c, c * x, 1.0) for f, x, c in functions]
        return pd.DataFrame(rows, columns=["function", "x", "c", "value", "enclosure"])
    if name == "steps":
        rows = [(0.1, 1e-3, step, 10.0**-step, 13) for step in range(6)]
        return pd.DataFrame(rows, columns=["mu", "error", "step", "distance", "layers_per_step"])
    if name == "widths":
        sizes = product((0.1, 0.01), range(3), (10, 100, 1000))
        rows = [(mu, k, width, 1 / width, 2 / width) for mu, k, width in sizes]
        names = ["mu", "prompt", "hidden_width", "step_error", "step_error_bound"]
        return pd.DataFrame(rows, columns=names)
    gadgets = ("root", "product", "inverse", "probability", "damping")
    made = [("all", "none"), *product(("without", "only"), gadgets)]
    rows = [(0.1, *names, 10.0**-k, 1e-2**k) for k, names in enumerate(made)]
    return pd.DataFrame(rows, columns=["mu", "intervention", "gadget", "distance", "step_error"])


def asked(kind):
    """Tables and panels for a figure of a kind."""
    entry, problem = FIGURES[kind], FIGURES[kind].problem or "linear"
    if entry.tables == "measurement":
        return {"": measurement(entry.measurement)}, []
    if entry.tables == "transfer":
        return {"": transfer()}, [PANELS[problem]]
    makers = {"medians": lambda: medians(problem), "errors": errors, "probes": probes}
    makers |= {"responses": responses, "decoding": decoding}
    return {place: makers[entry.tables]() for place in PLACES}, [PANELS[problem]]


@pytest.mark.parametrize("words", [Words(), WORDS])
@pytest.mark.parametrize("kind", list(FIGURES))
def test_every_kind_draws_without_warnings(kind, words):
    tables, panels = asked(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(kind, tables, panels, words=words)
        figure.draw_without_rendering()
    assert any(ax.get_visible() for ax in figure.axes)
    assert "missing" not in " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize("problem", list(PANELS))
def test_curves_show_what_their_problem_is_judged_by(problem):
    first = QUANTITIES[problem][0]
    tables, panels = {"place": medians(problem)}, [PANELS[problem]]
    labels = [
        draw("curves", tables, panels, words=w).axes[0].get_ylabel() for w in (Words(), WORDS)
    ]
    assert labels == [first, WORDS.quantities[first]]


@pytest.mark.parametrize("kind", ["nonsense", "functions", "functions_nowhere", "parts", ""])
def test_an_unknown_kind_is_refused_with_those_that_there_are(kind):
    with pytest.raises(
        ValueError, match=r"one of ablation, .*, logistic_loss, .*, transfer, found"
    ):
        draw(kind, {}, [])


def test_methods_without_an_entry_look_like_no_other():
    unknown = [f"mine{k}" for k in range(30)]
    for known in ([], ["lsa", "newton2"], [*LOOKS][:14]):
        found = looks([*known, *unknown, *known], Words(methods={"mine3": "my own"}))
        drawn = [(look.colour, look.marker, look.line) for look in found.values()]
        assert len(set(drawn)) == len(drawn) == len(known) + len(unknown)
        assert found == looks([*known, *unknown], Words(methods={"mine3": "my own"}))
        assert (found["mine3"].label, found["mine4"].label) == ("my own", "mine4")


def test_a_figure_draws_an_unknown_method_in_a_look_of_its_own():
    models = {"lsa": [1, 2], "mine": [1, 2], "lsa-clip": [1, 2]}
    table = pd.concat(
        [medians("linear").replace({"method": {"lsa": model}}) for model in ("lsa", "mine")]
    )
    figure = draw("curves", {"place": table}, [{"models": models, "algorithms": ["newton2"]}])
    lines, labels = figure.axes[0].get_legend_handles_labels()
    assert labels == ["trained LSA", "mine", "trained LSA, clip", "Newton, order 2"]
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == 4


def test_a_transfer_names_the_models_that_it_lacks_where_they_are_trained():
    table, untrained = transfer(), [f"{PLACES[0]}/lsa_layers2_seed1", f"{PLACES[1]}/other_layers1"]
    table = table[(table["step"] != 1) | (table["trained_on"] != PLACES[1])]
    figure = draw("transfer", {"": table}, [PANELS["linear"]], untrained)
    text = figure.texts[-1].get_text().replace("\n", " ")
    assert text == (
        f"missing: trained LSA with 2 layers (1 of 2 seeds not trained; {PLACES[0]}), "
        f"trained LSA with 1 layer (not trained; {PLACES[1]})"
    )


def test_a_transfer_shows_one_problem_of_a_table_of_several():
    other = medians("logistic").assign(trained_on="elsewhere", tested_on="elsewhere")
    table = pd.concat([transfer(), other], ignore_index=True)
    models = {"softmax": [1, 2]}
    figure = draw("transfer", {"": table}, [{"models": models}], words=WORDS)
    bar = figure.axes[-1].get_ylabel()
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert (bar, texts) == (WORDS.quantities["loss"], ["0.1", "0.01"])
    assert "missing" not in figure.texts[-1].get_text()


def test_robustness_shows_condition_numbers_as_lines_and_other_laws_beside():
    figure = draw("robustness", {"": transfer()}, [PANELS["linear"]], words=WORDS)
    ax = figure.axes[0]
    assert [tick.get_text() for tick in ax.get_xticklabels()][:2] == ["10", "50"]
    assert len(ax.get_xticklabels()) == 3 and len(figure.axes) == 2 * len(PLACES)
    assert list(ax.lines[0].get_xdata()) == [0, 1] and len(ax.lines[2].get_xdata()) == 1


def test_an_error_beyond_the_axis_is_an_arrow():
    table = transfer()
    table.loc[table["kappa"] == 50, ["median", "low", "high"]] = np.inf
    figure = draw("robustness", {"": table}, [PANELS["linear"]], words=WORDS)
    arrows = [line for line in figure.axes[0].lines if "uparrow" in str(line.get_marker())]
    assert [list(line.get_xdata()) for line in arrows if len(line.get_xdata())] == [[1]]


PANELLED = [kind for kind in FIGURES if FIGURES[kind].tables != "measurement"]


WITH_ALGORITHMS = ("similarity", "decoding")


@pytest.mark.parametrize("kind", [kind for kind in PANELLED if kind not in WITH_ALGORITHMS])
def test_figures_but_some_need_no_algorithm(kind):
    tables, panels = asked(kind)
    tables = {place: table[table["kind"] != "reference"] for place, table in tables.items()}
    bare = [{"models": panel["models"]} for panel in panels]
    draw(kind, tables, bare).draw_without_rendering()


STATE = """
import os, sys
before = dict(os.environ)
from pathlib import Path
import pandas as pd
from icnewton.figures import FIGURES, draw
from icnewton.figures.parts.style import save

list(FIGURES)
slope = [("slope", c, x, c * x, 1.0) for c in (-1, 0, 1) for x in (0, 1)]
table = pd.DataFrame(slope, columns=["function", "c", "x", "value", "enclosure"])
figure = draw("built_decrease", {"": pd.concat([table, table.assign(function="value")])}, [])
save(figure, {kind: Path(sys.argv[1]) / f"figure.{kind}" for kind in ("png", "pdf", "svg")})
import matplotlib
assert "matplotlib.pyplot" not in sys.modules
assert matplotlib.get_backend() == "template" and dict(os.environ) == before
"""


def test_no_module_imports_pyplot_or_chooses_a_backend(tmp_path):
    environment = environment_of(ROOT) | {"MPLBACKEND": "template"}
    command = [sys.executable, "-c", STATE, str(tmp_path)]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".pdf", ".svg"}
