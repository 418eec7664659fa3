"""What claims speak of, and how what they do not speak of is shown."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import icnewton
import icnewton.claims
from icnewton.claims import Evidence, Facts, all_claims, assess, caption, claim_modules, html, table
from icnewton.evaluation.statistics import FAR
from icnewton.problems.linear import LinearCondition
from icnewton.problems.logistic import LogisticCondition
from icnewton.problems.parts.condition import Condition

USUAL = LinearCondition("unnormalised", 3, 12, 10, 0.0)
LINEAR_CLAIMS = ["S6a", "S6b", "S6c", "S6d", "S7", "depth", "order 3", "optimal"]
DEPTHS = {"lsa": (1, 2), "lsa_ln": (1, 2)}
REFERENCES = {"newton2": (1, 2), "newton3": (1, 2), "newton4": (1, 2)}


class Third(Condition):
    """A condition of a problem that the paper does not have."""

    problem = "third"
    stream_word = "Third"


def of_protocol(protocol, condition=USUAL):
    """The condition under a protocol that a user might have added."""
    changed = replace(condition)
    object.__setattr__(changed, "protocol", protocol)
    return changed


def long_frame(learned, references, quantities=("residual",)):
    """Errors of four prompts, the smaller the more steps."""
    rows = []
    for kind, methods in (("learned", learned), ("reference", references)):
        for method, steps in methods.items():
            for step in steps:
                keys = {"method": method, "kind": kind, "seed": 0, "step": step, "layers": step}
                for prompt in range(4):
                    where = {"covariance": prompt // 2, "prompt": prompt, "value": 10.0**-step}
                    rows += [keys | where | {"quantity": quantity} for quantity in quantities]
    return pd.DataFrame(rows)


def probe_frame(methods, bend=0.0):
    """Outputs on a line of slope 1, and beyond the training range off it by ``bend``."""
    values = np.linspace(-FAR, FAR, 41)
    outputs = values + bend * np.maximum(np.abs(values) - 1, 0)
    frames = []
    for method, steps in methods.items():
        for step in steps:
            for covariance in (0, 1):
                keys = {"method": method, "step": step, "seed": 0, "covariance": covariance}
                columns = {"slope": 1.0, "value": values, "output": outputs}
                frames.append(pd.DataFrame(keys | columns))
    return pd.concat(frames)


def facts_of(condition=USUAL, attends=True, **rest):
    """Facts of a condition at which all families were trained."""
    methods = ("lsa", "lsa_ln", "softmax")
    return Facts(condition, dict.fromkeys(methods, attends), dict.fromkeys(methods, "fast"), **rest)


def evidence_of(facts, learned=DEPTHS, bend=0.0):
    """Evidence at linear conditions and of nothing else."""
    errors = {name: long_frame(learned, REFERENCES) for name in facts}
    probes = {name: probe_frame(learned, bend) for name in facts}
    return Evidence(errors, facts, probes, {})


def rows_at(rows, condition, claim=None):
    return [row for row in rows if row.condition == condition and claim in (None, row.claim)]


@pytest.mark.parametrize(
    ("claim", "facts", "method", "reason"),
    [
        ("S6a", facts_of(), "lsa", ""),
        ("S6a", facts_of(replace(USUAL, noise=0.1)), "lsa", ""),
        ("S6a", facts_of(of_protocol("student")), "lsa", "not student"),
        ("S6a", facts_of(Third("normalised", 3, 12, 10)), "lsa", "not third ones"),
        ("S6a", facts_of(usual_sizes=False), "lsa", "d = 3, n = 12"),
        ("S6a", facts_of(), "lsa-clip", "not lsa-clip"),
        ("S6b", facts_of(replace(USUAL, noise=0.1)), "lsa", "without noise"),
        ("S6d", facts_of(), "lsa", ""),
        ("S6d", facts_of(attends=False), "lsa", "recipe fast"),
        ("S6d", facts_of(attends=False), "lsa_ln", ""),
        ("S7", facts_of(replace(USUAL, kappa=5)), "lsa", "κ of at least 10"),
        ("S7", facts_of(), "lsa_ln", ""),
        ("S6e", facts_of(LogisticCondition("bounded", 3, 12, 10, 0.1)), "softmax", ""),
        ("S6e", facts_of(), "softmax", "not linear ones"),
    ],
)
def test_a_scope_says_why_a_condition_is_outside(claim, facts, method, reason):
    found = all_claims()[claim].scope.excludes(facts, method)
    assert reason in found and bool(reason) == bool(found)


def test_a_new_protocol_enters_no_claim_and_has_one_row_in_each():
    alone = assess(evidence_of({"usual": facts_of()}))
    student = facts_of(of_protocol("student"))
    both = assess(evidence_of({"usual": facts_of(), "student": student}))
    outside = rows_at(both, "student")
    assert [row.claim for row in outside] == LINEAR_CLAIMS
    assert {row.verdict for row in outside} == {"not applicable"}
    others = [row for row in both if row not in outside]
    pd.testing.assert_frame_equal(table(others), table(alone))


def test_other_sizes_enter_no_claim():
    rows = rows_at(assess(evidence_of({"wide": facts_of(usual_sizes=False)})), "wide")
    assert {row.verdict for row in rows} == {"not applicable"}
    assert len(rows) == len({row.claim for row in rows})


def test_a_third_problem_enters_no_claim_and_no_table():
    third = facts_of(Third("normalised", 3, 12, 10))
    evidence = evidence_of({"usual": facts_of(), "third": third})
    assert list(evidence.linear.frames) == ["usual"]
    assert not rows_at(assess(evidence), "third")


def test_another_kappa_or_noise_is_another_matter_and_has_no_row():
    facts = {
        "kappa5": facts_of(replace(USUAL, kappa=5)),
        "noisy": facts_of(replace(USUAL, noise=0.1)),
        "student": facts_of(of_protocol("student", replace(USUAL, kappa=5))),
    }
    rows = assess(evidence_of(facts))
    assert {row.condition for row in rows if row.claim == "S7"} == {"noisy"}
    assert {row.condition for row in rows if row.claim == "S6b"} == {"kappa5", "student"}
    assert {row.condition for row in rows if row.claim == "S6a"} == {"kappa5", "noisy", "student"}


@pytest.mark.parametrize(
    ("attends", "bend", "verdict"),
    [(True, 1.0, "holds"), (True, 0.0, "fails"), (False, 0.0, "not applicable")],
)
def test_out_of_distribution_counts_lsa_only_where_it_attends_to_its_query(attends, bend, verdict):
    facts = {"usual": facts_of(attends=attends)}
    evidence = evidence_of(facts, {"lsa": (1, 2), "lsa_ln": (5, 7)}, bend)
    verdicts = {row.methods: row.verdict for row in rows_at(assess(evidence), "usual", "S6d")}
    assert verdicts == {("lsa",): verdict, ("lsa_ln",): "holds"}


def test_claims_that_nothing_measures_have_one_row_each_in_order():
    rows = assess(Evidence({}, {}, {}, {}))
    assert [row.claim for row in rows] == list(all_claims())
    assert {(row.quantity, row.verdict) for row in rows} == {
        ("no measurement", "not tested at this scale")
    }
    assert set(table(rows)["criterion"]) == {"-"} and "nan" not in html(rows)
    assert caption(rows, {"kind": "curves", "conditions": ["-"], "families": ["lsa"]}) == "\n"


def test_linear_claims_come_after_logistic_ones():
    claims = list(all_claims())
    assert claims[:5] == ["T1.1", "T5.1", "T5.2", "T5.4", "E.1"]
    assert claims.index("cancer") + 1 == claims.index("L4.1")
    assert claims[-5:] == ["diabetes", "GD++", "first phase", "law", "triangle law"]


def test_one_depth_shows_no_gain_and_decides_nothing():
    condition = LogisticCondition("bounded", 3, 12, 10, 0.1)
    frame = long_frame({"softmax": (2,)}, {"damped_newton": (0, 1)}, ("loss", "excess"))
    rows = assess(Evidence({"c": frame}, {"c": facts_of(condition)}, {}, {}))
    verdicts = {row.quantity: row.verdict for row in rows_at(rows, "c", "S6e")}
    assert len(verdicts) == 4
    assert (
        verdicts["excess loss of the encoder, deepest over shallowest with layers"]
        == "not tested at this scale"
    )


def test_a_row_that_is_not_applicable_says_so_in_table_html_and_caption():
    rows = rows_at(assess(evidence_of({"usual": facts_of(attends=False)})), "usual", "S6d")
    outside = [row for row in rows if not row.applicable]
    line = table(outside).iloc[0]
    assert (line["verdict"], line["criterion"]) == ("not applicable", "-")
    assert np.isnan(line["measured"]) and "not among its keys" in line["where"]
    assert "<tr class='outside'>" in html(outside) and "&#8709; not applicable" in html(outside)
    figure = {"kind": "functions_far", "conditions": ["usual"], "families": ["lsa"]}
    words = caption(rows, figure)
    assert "* **S6d not applicable** (usual): the query of lsa is not among its keys" in words
    assert "criterion" not in words
    for change in ({"kind": "curves"}, {"conditions": ["other"]}, {"families": ["softmax"]}):
        assert caption(rows, figure | change) == "\n"


@pytest.fixture
def dropped_in(tmp_path, monkeypatch):
    """Writes a module beside those of the package, for as long as a test runs."""
    monkeypatch.setattr(icnewton.claims, "__path__", [*icnewton.claims.__path__, str(tmp_path)])

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        all_claims.cache_clear()

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"icnewton.claims.{path.stem}", None)
    all_claims.cache_clear()


MINE = """
from icnewton.claims.parts.claim import Claim
from icnewton.claims.parts.evidence import Row, exactly

def measure(evidence):
    yield Row({name!r}, "anywhere", "a number", "<=", 1, exactly(0, "here"))

ENTRIES = {{{name!r}: Claim("Mine.", measure)}}
"""


def test_a_file_beside_the_others_adds_a_claim(dropped_in):
    dropped_in("mine", MINE.format(name="M1"))
    assert list(all_claims())[-1] == "M1" and "icnewton.claims.mine" in claim_modules()
    last = assess(Evidence({}, {}, {}, {}))[-1]
    assert (last.claim, last.verdict) == ("M1", "holds")


def test_two_files_cannot_have_claims_of_one_name(dropped_in):
    dropped_in("mine_too", MINE.format(name="S6a"))
    with pytest.raises(ValueError, match=r"icnewton\.claims\.mine_too: .* \['S6a'\]"):
        all_claims()
