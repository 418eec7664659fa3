"""The report in a real browser: Debian's chromium, headless. Skipped only where no chromium is
installed.
"""

import pytest
from browser import chromium, needs_chromium, severe
from conftest import snakemake

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def browser(finished, tmp_path_factory):
    """A browser with the smoke report open."""
    result = snakemake(finished[0], "--report", "report.html")
    assert result.returncode == 0, result.stderr
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        driver.get((finished[0] / "report.html").as_uri())
        yield driver


def test_the_claims_table_is_the_first_thing_to_see(browser):
    table = browser.find_element("css selector", "table.claims")
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", table)
    assert 0 <= top < 600 and table.is_displayed()
    assert (
        len(table.find_elements("tag name", "tr")) > 15 and "Trained LSA lies between" in table.text
    )


def open_category(browser, title):
    browser.find_element("css selector", "a.transition-all svg")  # the menu is there
    browser.execute_script("arguments[0].click()", browser.find_element("partial link text", title))


def test_every_category_is_there_in_order(browser):
    titles = [
        link.text
        for link in browser.find_elements("css selector", "a")
        if link.text[:2] in {f"{i}." for i in range(9)}
    ]
    assert titles == sorted(titles) and titles[0] == "1. Claims" and titles[-1] == "8. Provenance"


@pytest.mark.parametrize(
    "title", ["2. Section 5", "3. Section 6", "4. Section 6", "5. Section 7", "6. Beyond the paper"]
)
def test_every_figure_loads(browser, title):
    browser.refresh()
    open_category(browser, title)
    count = len(browser.find_elements("css selector", "a[iconname=eye]"))
    assert count > 0
    for index in range(count):
        button = browser.find_elements("css selector", "a[iconname=eye]")[index]
        browser.execute_script("arguments[0].click()", button)
        image = browser.find_element("css selector", "img[src^='data:image/png']")
        assert (
            browser.execute_script(
                "return arguments[0].complete && arguments[0].naturalWidth", image
            )
            > 400
        )


def test_no_error_in_the_console(browser):
    assert severe(browser) == []
