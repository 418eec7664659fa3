"""The article: verdicts in a matrix, prose without typed numbers, and a page that needs nothing
else.
"""

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from browser import WIDTHS, as_seen, chromium, needs_chromium, overflow, severe, violations
from conftest import RESULTS
from hypothesis import given
from hypothesis import strategies as st

from icnewton.article.compose import TEMPLATES
from icnewton.article.matrix import DIFFERS, SILENT, anchor_of, groups_of, summary, verdict_matrix
from icnewton.article.numbers import NotMeasured, Numbers, measured
from icnewton.claims.parts.evidence import FAILS, HOLDS, NOT_APPLICABLE, UNDECIDED, UNTESTED
from icnewton.pages.render import blocks

VERDICTS = (HOLDS, FAILS, UNDECIDED, UNTESTED, NOT_APPLICABLE)
PROTOCOLS = {"a_kappa10": "normalised", "b_kappa10": "unnormalised"}
# settings of problems and constants of the paper's statements, which nobody measured
SETTINGS = {"0.1", "0.01", "0.001", "2403.03183"}
TYPED = re.compile(r"\d+\.\d+|\d+e[-−]?\d+|\b\d+(?:\s|&#8239;)*%")


def claims(*rows):
    """A table of claims with these (claim, condition, verdict, methods)."""
    frame = pd.DataFrame(rows, columns=["claim", "condition", "verdict", "methods"])
    numbers = {"measured": 0.5, "low": 0.4, "high": 0.6, "criterion": "<= 1", "where": "here"}
    return frame.assign(statement="A statement.", quantity="a ratio", **numbers)


@given(st.lists(st.sampled_from(VERDICTS), min_size=1))
def test_a_summary_is_shared_by_all_verdicts_that_tell_anything(verdicts):
    found, telling = summary(verdicts), set(verdicts) - set(SILENT)
    if found == DIFFERS:
        assert len(telling or set(verdicts)) > 1
    else:
        assert (telling or set(verdicts)) == {found}


def test_rows_of_a_claim_fall_into_groups_of_conditions():
    table = claims(
        ("S6a", "a_kappa10", HOLDS, "lsa"),
        ("S6a", "a_kappa10", FAILS, "lsa"),
        ("S6a", "b_kappa10", HOLDS, "lsa"),
        ("S6a", "b_kappa10", UNDECIDED, "lsa-authors"),
        ("L4.1", "random problems", HOLDS, ""),
        ("cancer", "breast cancer", HOLDS, ""),
    )
    lines = verdict_matrix(table, PROTOCOLS)
    found = {line.claim: {group: c.verdict for group, c in line.cells.items()} for line in lines}
    assert found["S6a"] == {"normalised": DIFFERS, "unnormalised": HOLDS, "published": UNDECIDED}
    assert found["L4.1"] == {"built": HOLDS} and found["cancer"] == {"real data": HOLDS}
    order = ["built", "normalised", "unnormalised", "published", "real data"]
    assert groups_of(lines) == order
    anchors = [row["anchor"] for line in lines for row in line.rows]
    assert len(set(anchors)) == len(table)
    assert lines[0].cells["published"].anchor == f"{anchor_of('S6a')}-3"


def test_numbers_come_from_the_row_that_is_asked_for():
    table = pd.DataFrame(
        {"method": ["lsa", "lsa"], "step": [1, 2], "layers": [1, 2], "quantity": "error",
         "median": [0.5, 0.25]}
    )  # fmt: skip
    numbers = Numbers({"a": table}, claims(("S6a", "a", HOLDS, "lsa")))
    assert numbers.of("a", "lsa", 2) == numbers.at_layers("a", "lsa", 2) == 0.25
    assert numbers.claim("S6a", "a", "ratio") == 0.5
    for wrong in (("b", "lsa", 2), ("a", "newton", 2), ("a", "lsa", 3)):
        with pytest.raises(NotMeasured):
            numbers.of(*wrong)
    with pytest.raises(NotMeasured):
        numbers.claim("S6a", "a", "nothing")


def test_a_sentence_without_its_number_is_left_out():
    def missing():
        raise NotMeasured("x")

    assert measured(lambda: "said") == "said" and measured(missing) == ""


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.stem)
def test_no_template_holds_a_typed_measurement(path):
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", " ", path.read_text(encoding="utf-8"))
    text = re.sub(r"95(&#8239;| )%", "", text)  # the level of every interval
    text = re.sub(r"(Theorem |\bT)\d\.\d", "", text)
    assert [found for found in TYPED.findall(text) if found not in SETTINGS] == []


def test_every_word_on_a_figure_has_its_blocks():
    values = {"spec": {}, "measured": lambda caller: "", "of": None, "claim": None}
    for path in (TEMPLATES / "figures").glob("*.html"):
        found = blocks(f"figures/{path.name}", values, [TEMPLATES])
        assert path.stem == "other" or {"title", "alt", "found"} <= found.keys()


class Page(HTMLParser):
    """Places, links and pictures of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.sources = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        places = {"id": self.ids, "href": self.links, "src": self.sources}
        for name, found in places.items():
            found += filter(None, [known.get(name)])
        if tag == "img":
            assert known["alt"], known


@pytest.fixture(scope="module")
def index(finished):
    return finished[0] / RESULTS / "index.html"


def test_the_page_needs_no_other_file(index):
    page = Page(index.read_text(encoding="utf-8"))
    assert page.sources and all(source.startswith("data:") for source in page.sources)
    assert len(page.ids) == len(set(page.ids))


def test_every_link_leads_somewhere(index):
    page = Page(index.read_text(encoding="utf-8"))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        elif not link.startswith(("https://arxiv.org/", "data:")) and link != "report.html":
            assert (index.parent / Path(link)).exists(), link


def test_each_row_of_evidence_and_each_figure_is_on_the_page(index):
    text = index.read_text(encoding="utf-8")
    page, table = Page(text), pd.read_csv(index.parent / "claims/claims.csv")
    assert {anchor_of(claim) for claim in table["claim"]} <= set(page.ids)
    assert text.count('<tr id="claim-') == len(table)
    figures = {path.stem for path in (index.parent / "figures").glob("*.png")}
    assert figures <= set(page.ids)


@pytest.fixture(scope="module")
def browser(index, tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        driver.get(index.as_uri())
        yield driver


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_reader_meets_no_barrier(browser, width, scheme):
    as_seen(browser, width, scheme)
    assert overflow(browser) <= 0
    assert violations(browser) == []
    assert severe(browser) == []


@pytest.mark.slow
@needs_chromium
def test_a_verdict_is_one_click_from_its_evidence(browser):
    as_seen(browser, WIDTHS[0])
    cell = browser.find_element("css selector", ".matrix td a[aria-label^='S6b']")
    browser.execute_script("arguments[0].click()", cell)
    target = browser.execute_script("return document.querySelector('tr:target')")
    assert target.is_displayed() and "S6b" in target.get_attribute("id")
