"""The documentation as a site: built from the pages, and read in Debian's chromium, headless."""

import os
import subprocess
import sys
from itertools import product

import pytest
from browser import WIDTHS, as_seen, chromium, needs_chromium, overflow, requested, severe
from conftest import ROOT, environment_of

pytest.importorskip("mkdocs", reason="needs what `make docs` installs")
pytestmark = pytest.mark.slow
SCHEMES = {"light": "default", "dark": "slate"}  # as the theme calls them


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    variables = environment_of(ROOT) | {"NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
    (folder / "404.html").unlink()  # it is for servers, and asks for files at their root
    return folder


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@needs_chromium
def test_every_page_fits_and_fetches_nothing(site, driver):
    pictures = os.environ.get("SCREENSHOTS")
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 12
    for page, width, (scheme, name) in product(pages, WIDTHS, SCHEMES.items()):
        as_seen(driver, width, scheme)
        driver.get(page.as_uri())
        assert overflow(driver) <= 0, (page.name, width)
        body = driver.find_element("tag name", "body")
        assert body.get_attribute("data-md-color-scheme") == name
        if pictures:
            driver.save_screenshot(f"{pictures}/{page.stem}-{width}-{scheme}.png")
        assert severe(driver) == [], page.name
    addresses = requested(driver)
    assert len(addresses) > len(pages)
    assert {a for a in addresses if not a.startswith(("file:", "data:", "blob:"))} == set()


@needs_chromium
def test_the_search_works_without_a_server(site, driver):
    as_seen(driver, 1440)
    driver.get((site / "index.html").as_uri())
    field = driver.find_element("css selector", "input.md-search__input")
    driver.execute_script("arguments[0].focus()", field)
    field.send_keys("minimax")
    found = driver.find_element("css selector", ".md-search-result__item mark")
    assert found.get_attribute("textContent").lower() == "minimax"


@needs_chromium
def test_pictures_and_formulas_are_drawn(site, driver):
    as_seen(driver, 1440)
    driver.get((site / "theory.html").as_uri())
    images = driver.find_elements("css selector", "article img")
    assert images and all(image.get_property("naturalWidth") > 400 for image in images)
    formulas = driver.find_elements("tag name", "math")
    assert len(formulas) > 20 and all(formula.size["width"] > 3 for formula in formulas)
    text = driver.find_element("tag name", "article").text
    assert "$" not in text and "\\" not in text
