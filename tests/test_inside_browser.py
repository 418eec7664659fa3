"""The pages that look inside a transformer, in a real browser."""

import pytest
import torch
from browser import (
    WIDTHS,
    as_seen,
    chromium,
    needs_chromium,
    overflow,
    severe,
    violations,
)
from test_inside import RELEASED, built, prompt

import icnewton
from icnewton.algorithms.gdpp import residual
from icnewton.algorithms.newton import newton_inverse
from icnewton.algorithms.parts.chebyshev import scaled_residuals
from icnewton.algorithms.parts.normal_equations import nth
from icnewton.constructions.parts.scalars import minimax_scalars, triangle_scalars
from icnewton.inside import explorer
from icnewton.inside.walk import page
from icnewton.theory.minimax import law

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens a page; afterwards the console must be without errors."""
    as_seen(browser, WIDTHS[0])

    def open_page(html):
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        browser.get((tmp_path / "page.html").as_uri())
        return browser

    yield open_page
    assert severe(browser) == []


PAGES = ("least_squares", "damped_newton", "inverse", "lsa", "softmax", "explorer")


def page_of(name):
    if name == "explorer":
        return explorer.page()
    model = icnewton.load(RELEASED[name]) if name in RELEASED else built(name)
    return page(model, *prompt(model))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_every_screen_and_every_reader(name, opened):
    browser = opened(page_of(name))
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            as_seen(browser, width, scheme)
            assert overflow(browser) <= 0, (width, scheme)
            assert violations(browser) == [], (width, scheme)


@pytest.mark.parametrize("name", [name for name in PAGES if name != "explorer"])
def test_everything_follows_the_slider(name, opened):
    from selenium.webdriver.common.keys import Keys

    browser = opened(page_of(name))
    find = lambda selector: browser.find_element("css selector", selector)  # noqa: E731
    pictures = (
        "return [...document.querySelectorAll('.map canvas')].map((c) => c.toDataURL()).join()"
    )
    before, shown = browser.execute_script(pictures), find(".layer.current").text
    assert not find(".previous").is_enabled()
    find(".stepper input").send_keys(Keys.ARROW_RIGHT)
    assert find(".stepper output").text.startswith("after layer 1 of")
    assert find(".layer.current").text != shown
    assert find("tr[aria-current]").get_attribute("data-layer") == "1"
    assert browser.execute_script(pictures) != before
    find(".stepper input").send_keys(Keys.END)
    assert not find(".next").is_enabled()
    find(".previous").click()
    find(".stepper input").send_keys(Keys.HOME)
    assert browser.execute_script(pictures) == before


def test_a_cell_of_a_heat_map_is_read_with_the_keyboard_and_as_a_table(opened):
    from selenium.webdriver.common.keys import Keys

    model = built("least_squares")
    x, y = prompt(model)
    browser = opened(page(model, x, y))
    canvas = browser.find_element("css selector", ".map canvas")
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    said = browser.find_element("css selector", ".map output").text.replace("−", "-")
    assert said.startswith("row 2, token 2: ")
    assert float(said.split(": ")[1]) == pytest.approx(x[0, 1, 1].item(), rel=1e-3)
    browser.find_element("css selector", ".map summary").click()
    cells = browser.find_elements("css selector", ".map tbody tr:nth-child(2) td")
    assert float(cells[1].text.replace("−", "-")) == pytest.approx(x[0, 1, 1].item(), rel=1e-3)


SET = """
const root = document.querySelector(".icn-explorer");
const set = (name, value) => {
  const input = root.querySelector(name);
  input.value = value;
  input.dispatchEvent(new Event("input"));
};
set(".kappa", arguments[0]);
set(".layers", arguments[1]);
const count = root.querySelector(".built");
if (count.checked !== arguments[2]) count.click();
if (arguments[3]) root.querySelector(arguments[3]).click();
return root.explorer.curves();
"""


def test_the_explorers_curves_are_those_of_the_package(opened):
    browser = opened(explorer.page())
    for power in (0.3, 1.0, 2.2, 3.0):
        for layers in range(1, 7):
            for counted in (False, True):
                found = browser.execute_script(SET, power, layers, counted, None)
                compare(found, 10**-power, layers, layers - 3 if counted else layers)


def compare(found, lower, layers, steps):
    assert found["lower"] == pytest.approx(lower, rel=1e-12) and found["upper"] == 1
    assert found["boundary"] == pytest.approx(law(layers, found["lower"], 1.0), rel=1e-9)
    s = torch.tensor(found["lambdas"], dtype=torch.float64)
    scalars = triangle_scalars(layers, 1.0)
    assert found["scalars"]["gammas"] == pytest.approx(scalars.gammas, rel=1e-12)
    wanted = [None, residual(s, *scalars), None, None, None, (1 - 2 * s / (1 + lower)) ** layers]
    if steps >= 0:
        wanted[2] = nth(scaled_residuals(s, lower, 1.0, 3), steps)
        S = s.view(-1, 1, 1)  # matrices of one eigenvalue each
        for place, order in ((3, 2), (4, 3)):
            X = nth(newton_inverse(S, S / (1 + lower**2), order), steps)
            wanted[place] = 1 - s * X.flatten()
    for method, values in zip(found["methods"], wanted, strict=True):
        assert (method["values"] is None) == (values is None)
        if values is not None:
            torch.testing.assert_close(
                torch.tensor(method["values"], dtype=torch.float64), values, rtol=1e-9, atol=1e-9
            )


def test_the_explorer_finds_scalars_as_good_as_the_packages(opened):
    from selenium.webdriver.support.ui import WebDriverWait

    browser = opened(explorer.page())
    for power, layers in ((1.0, 1), (1.0, 2), (1.0, 3), (2.0, 3), (2.0, 4)):
        browser.execute_script(SET, power, layers, True, ".minimax")
        WebDriverWait(browser, 60).until(
            lambda b: b.find_element("class name", "minimax").is_enabled()
        )
        found = browser.execute_script(
            "return document.querySelector('.icn-explorer').explorer.curves()"
        )
        scalars = found["scalars"]
        s = torch.tensor(found["lambdas"], dtype=torch.float64)
        own = residual(s, scalars["gammas"], scalars["etas"])
        torch.testing.assert_close(
            torch.tensor(found["methods"][1]["values"], dtype=torch.float64), own
        )
        best = residual(s, *minimax_scalars(layers, found["lower"], 1.0)).abs().max()
        assert own.abs().max() <= 1.05 * best, (power, layers)


def test_the_explorer_answers_to_its_controls(opened):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    browser = opened(explorer.page())
    find = lambda selector: browser.find_element("css selector", selector)  # noqa: E731
    worst = lambda: find(".icn-explorer tbody tr:nth-child(2) td:last-child").text  # noqa: E731
    curve = lambda: find(".icn-explorer polyline.line-1").get_attribute("points")  # noqa: E731
    seen = [(worst(), curve())]
    find(".kappa").send_keys(Keys.ARROW_RIGHT * 30)
    seen.append((worst(), curve()))
    find(".sliders input").send_keys(Keys.ARROW_RIGHT * 30)
    seen.append((worst(), curve()))
    find(".minimax").click()
    WebDriverWait(browser, 60).until(lambda _: find(".minimax").is_enabled())
    seen.append((worst(), curve()))
    assert len(set(seen)) == 4
    find(".reset").click()
    assert (worst(), curve()) == seen[0]
    assert len(browser.find_elements("css selector", ".sliders input")) == 7
