"""The pages of docs/: their numbers are those of docs/data/, and their links lead somewhere."""

import re
from pkgutil import resolve_name

import pandas as pd
import pytest
from conftest import ROOT, make
from workflow.documents import TEMPLATES, anchor, rendered
from workflow.formulas import on_page_content
from workflow.numbers import MEDIANS, Numbers, collect, kept

import icnewton

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "studies/README.md"]
NEVER_TYPED = ("results", "theory", "training", "logistic")
HERE = "normalised_kappa10_noise0"
LINK = re.compile(r"\]\(([^)\s]+)\)")
MENTION = re.compile(r"`(docs/[\w/]+\.\w+)`")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
# a template without what computes, code, formulas and the targets of links
ASIDE = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|```.*?```|`.*?`|\$[^$]*\$|\]\([^)]*\)|arXiv [\d.]+", re.DOTALL
)
# 1.2e-3, 3.4 · 10⁻⁵, and decimals of three digits or more, but for powers of ten
TYPED = re.compile(r"\d(?:\.\d+)?e[-+]?\d+|·\s*10[⁻⁰-⁹<]|(?<![\d.])(?!0\.0*1\b)\d{1,3}\.\d{2,}")


@pytest.fixture
def results(tmp_path):
    """A folder of results with one condition, one claim and one measurement."""
    row = {name: 0.123456 for name in MEDIANS} | {"quantity": "error", "method": "lsa", "step": 2}
    verdict = {"claim": "S6a", "condition": HERE, "quantity": "error of LSA", "measured": 2.5}
    tables = {
        f"tables/{HERE}.csv": row,
        "tables/activations.csv": {"neurons": 16, "error": 1e-3},
        "claims/claims.csv": verdict,
    }
    for name, values in tables.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pd.DataFrame([values]).to_csv(tmp_path / name, index=False)
    return tmp_path


@pytest.fixture
def numbers(results):
    return Numbers(results, collect(results))


def test_pages_show_the_numbers_that_are_kept():
    for name, text in rendered(Numbers(ROOT, kept(ROOT))).items():
        found = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert found == text, f"docs/{name} is not what its template makes: run `make docs`"


def test_a_page_gets_what_was_measured(numbers):
    assert numbers.median(HERE, "lsa", 2) == "0.12" and numbers.of(HERE, "lsa", 2) == 0.1235
    assert numbers.medians(HERE, "lsa", [2, 2], digits=3) == "0.123 | 0.123"
    assert numbers.seeds(HERE, "lsa", 2) == "0.12 to 0.12"
    assert numbers.claim("S6a", HERE, "error") == 2.5
    assert numbers.column("activations", "error", "neurons", [16]) == "0.0010"


@pytest.mark.parametrize(
    "ask",
    [
        lambda numbers: numbers.median(HERE, "lsa", 3),
        lambda numbers: numbers.median("normalised_kappa1_noise0", "lsa", 2),
        lambda numbers: numbers.mean(HERE, "lsa", 2, "loss"),
        lambda numbers: numbers.claim("S6b", HERE, "error"),
        lambda numbers: numbers.value("activations", "error", neurons=17),
    ],
)
def test_a_number_that_was_not_measured_is_an_error(numbers, ask):
    with pytest.raises(LookupError, match=r"^docs/data/\w+\.csv: expected one .*, found 0"):
        ask(numbers)


def test_a_template_that_asks_for_it_makes_no_page(results, numbers):
    (results / TEMPLATES).mkdir(parents=True)
    (results / TEMPLATES / "a.md").write_text('{{ median("x", "lsa", 1) }}', encoding="utf-8")
    with pytest.raises(LookupError, match=r"docs/data/medians\.csv: expected one median"):
        rendered(numbers)


@pytest.mark.parametrize("name", NEVER_TYPED)
def test_no_measured_number_is_typed(name):
    text = (ROOT / TEMPLATES / f"{name}.md").read_text(encoding="utf-8")
    assert TYPED.findall(ASIDE.sub(" ", text)) == []


def test_a_typed_number_would_be_found():
    for text in ("9.3e-2", "3.4 · 10⁻⁵", "the loss is 0.224 there", "3.4 · 10<sup>"):
        assert TYPED.search(ASIDE.sub(" ", text)), text
    assert not TYPED.search("μ = 0.001 and 0.1, 10.5 times, 4,096 prompts of 256")


def anchors(page):
    """The addresses of a page's headings."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {anchor(re.sub(r"[`*$]", "", heading)) for heading in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_are_there(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        path, _, place = link.partition("#")
        if not path.startswith(("http://", "https://")):
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not place or place in anchors(target), link
    if page.name != "README.md" or page.parent != ROOT:
        assert [path for path in MENTION.findall(text) if not (ROOT / path).exists()] == []


def test_formulas_become_mathml():
    page = r'<p><span class="arithmatex">\(a &lt; \frac{1}{2}\)</span></p>'
    page += '<div class="arithmatex">\\[\nx^2\n\\]</div>'
    made = on_page_content(page)
    assert made.count("<math ") == 2 and "<mfrac>" in made and 'display="block"' in made
    assert "arithmatex" not in made and "\\(" not in made


def test_make_docs_installs_what_it_needs():
    said = make(ROOT, "-n", "-W", "requirements-docs.lock", "docs").stdout
    assert said.index('workflow.environment ".venv" docs') < said.index("workflow.documents")


def test_the_api_page_has_every_public_name_and_none_that_is_not_there():
    listed = re.findall(r"^::: (\S+)$", (ROOT / "docs/api.md").read_text(encoding="utf-8"), re.M)
    assert {f"icnewton.{name}" for name in icnewton.__all__} <= set(listed)
    for name in listed:
        assert resolve_name(name) is not None, name
