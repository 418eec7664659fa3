"""The documentation as a site: built from the pages, and read in Debian's chromium, headless."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, environment_of
from test_report import FLAGS

pytest.importorskip("mkdocs", reason="needs what `make docs` installs")
pytestmark = pytest.mark.slow
WIDTHS, SCHEMES = (1440, 768, 390), ("light", "dark")
NEEDS_BROWSER = pytest.mark.skipif(
    not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs chromium"
)


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
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as driver:
        driver.implicitly_wait(10)
        yield driver


def requested(browser):
    """The addresses that pages asked for since the last time."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return {p["request"]["url"] for p in sent if p["documentURL"].startswith("file:")}


def show(browser, page, width, scheme):
    """Open a page in a window of some width, for a reader who prefers some colours."""
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    preference = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preference)
    browser.get(page.as_uri())


@NEEDS_BROWSER
def test_every_page_fits_and_fetches_nothing(site, browser):
    pictures = os.environ.get("SCREENSHOTS")
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 12
    for page in pages:
        for width in WIDTHS:
            for scheme in SCHEMES:
                show(browser, page, width, scheme)
                wide = browser.execute_script("return document.documentElement.scrollWidth")
                assert wide <= width, (page.name, width, wide)
                body = browser.find_element("tag name", "body")
                expected = {"light": "default", "dark": "slate"}[scheme]
                assert body.get_attribute("data-md-color-scheme") == expected
                if pictures:
                    browser.save_screenshot(f"{pictures}/{page.stem}-{width}-{scheme}.png")
        severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert severe == [], page.name
    addresses = requested(browser)
    assert len(addresses) > len(pages)
    assert {a for a in addresses if not a.startswith(("file://", "data:", "blob:"))} == set()


@NEEDS_BROWSER
def test_the_search_works_without_a_server(site, browser):
    show(browser, site / "index.html", 1440, "light")
    field = browser.find_element("css selector", "input.md-search__input")
    browser.execute_script("arguments[0].focus()", field)
    field.send_keys("minimax")
    found = browser.find_element("css selector", ".md-search-result__item mark")
    assert found.get_attribute("textContent").lower() == "minimax"


@NEEDS_BROWSER
def test_pictures_and_formulas_are_drawn(site, browser):
    show(browser, site / "theory.html", 1440, "light")
    images = browser.find_elements("css selector", "article img")
    assert images and all(image.get_property("naturalWidth") > 400 for image in images)
    formulas = browser.find_elements("tag name", "math")
    assert len(formulas) > 20 and all(formula.size["width"] > 3 for formula in formulas)
    text = browser.find_element("tag name", "article").text
    assert "$" not in text and "\\" not in text
