"""Debian's chromium, headless, and what tests ask of a page in it."""

import json
import shutil
import time
from contextlib import contextmanager
from importlib.resources import files

import pytest

WIDTHS = (1440, 768, 390)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,1000",
)
needs_chromium = pytest.mark.skipif(
    not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs chromium"
)


@contextmanager
def chromium(profile):
    """A browser whose profile lies in a folder."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as driver:
        driver.implicitly_wait(10)
        yield driver


def as_seen(driver, width, scheme="light"):
    """Set the width of the window in CSS pixels, and the colours that the reader prefers."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def overflow(driver, seconds=5):
    """By how many pixels a page stays wider than its window, which it may be for a moment after
    the window has changed.
    """
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    end = time.monotonic() + seconds
    while (pixels := driver.execute_script(script)) > 0 and time.monotonic() < end:
        time.sleep(0.1)
    return pixels


def requested(driver):
    """The addresses that pages of files asked for since the last time."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return {p["request"]["url"] for p in sent if p["documentURL"].startswith("file:")}


def severe(driver):
    """Errors in the console."""
    return [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def violations(driver):
    """What axe-core finds of serious or critical barriers: the rule, and the first place."""
    source = next(files("axe_core_python").rglob("axe.min.js")).read_text(encoding="utf-8")
    driver.execute_script(source)
    found = driver.execute_async_script(
        "const done = arguments[0]; axe.run(document).then((r) => done(r.violations));"
    )
    serious = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in serious]
