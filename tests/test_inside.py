"""The pages that look inside a transformer: what they say is what the weights do."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
import torch

import icnewton
from icnewton.algorithms.gdpp import residual
from icnewton.constructions.parts.heads import Head
from icnewton.constructions.parts.scalars import triangle_scalars
from icnewton.inside import explorer
from icnewton.inside.decompile import heads_of, network_of
from icnewton.inside.formulas import attention_formulas, head_formula, state_of
from icnewton.inside.layers import describe
from icnewton.inside.learned import shares
from icnewton.inside.maps import short, spans
from icnewton.inside.polynomials import polynomials
from icnewton.inside.readings import readings
from icnewton.inside.walk import page
from icnewton.theory.minimax import law

D, N = 3, 7
SPECTRUM = (0.5, 30.0)
BUILT = {
    "least_squares": {"d": D, "n": N, "steps": 2, "alpha": 1e-3},
    "least_squares 3": {"d": D, "n": N, "steps": 2, "order": 3, "step": "chebyshev",
                        "spectrum": SPECTRUM, "ridge": 0.1},
    "least_squares 4": {"d": D, "n": N, "steps": 2, "order": 4, "alpha": 1e-3},
    "gdpp": {"d": D, "steps": 3, "upper": 30.0},
    "minimax": {"d": D, "steps": 3, "spectrum": SPECTRUM},
    "inverse": {"d": D, "steps": 2, "symmetric": False},
    "inverse 3": {"d": D, "steps": 2, "symmetric": False, "order": 3},
    "inverse chebyshev": {"d": D, "steps": 2, "symmetric": True, "order": 3, "step": "chebyshev",
                          "spectrum": SPECTRUM},
    "damped_newton": {"d": D, "n": N, "mu": 0.1, "steps": 2, "error": 1e-2},
    "damped_newton looped": {"d": D, "n": N, "mu": 0.1, "steps": 2, "error": 1e-2, "looped": True},
    "logistic_gradient_descent": {"d": D, "n": N, "mu": 0.1, "steps": 2, "error": 1e-3},
}  # fmt: skip
LSA, ENCODER = (
    "normalised_kappa10_noise0/lsa_layers2_seed0",
    "bounded_kappa10_mu0.1/softmax_layers1_seed0",
)
RELEASED = {
    "lsa": LSA,
    "lsa_ln": "normalised_kappa10_noise0/lsa_ln_layers1_seed0",
    "softmax": ENCODER,
    "softmax_hidden": "unnormalised_kappa10_mu0.1/softmax_hidden-authors_layers1_seed0",
}


def built(name):
    return icnewton.build(name.split()[0], **BUILT[name])


def prompt(model):
    """One prompt of the right shapes, in float64."""
    card = model.card
    if "A" in model.format.inputs:
        draw = torch.randn(1, D, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        A = draw @ draw.mT + torch.eye(D)
        return [A, A.mT / A.norm() ** 2][: len(model.format.inputs)]
    condition = card.origin.get("run", {}).get("condition", {})
    sizes = {name: condition.get(name, size) for name, size in (("d", D), ("n", N))}
    if card.format["name"] in ("logistic_state", "logistic", "hidden_label"):
        found = icnewton.sample("logistic", protocol="bounded", kappa=4, mu=0.1, prompts=1, **sizes)
    else:
        found = icnewton.sample(protocol="normalised", kappa=4, prompts=1, **sizes)
    return [found.x, found.y]


def combined(rows, blocks):
    return sum(size * blocks[name] for name, size in rows.terms.items())


@pytest.mark.parametrize("name", BUILT)
def test_what_is_read_off_the_weights_is_what_a_layer_does(name):
    model = built(name)
    stream = model.format.stream
    source = torch.Generator().manual_seed(0)
    H = torch.rand(2, N, stream.width, generator=source, dtype=torch.float64) - 0.3
    for layer in model.transformer.applied[: model.card.layers_per_step + 3]:
        blocks = stream.unpack(H)
        added = {block: torch.zeros_like(value) for block, value in blocks.items()}
        context = {
            block: value if model.transformer.config.query_as_key else value[:, :-1]
            for block, value in blocks.items()
        }
        for head in heads_of(layer.attention, stream):
            products = combined(head.query, blocks) @ combined(head.key, context).mT
            for target, value in head.value.items():
                added[target] = added[target] + products @ combined(value, context)
        received = layer.attention(H, H)
        torch.testing.assert_close(torch.cat([*added.values()], -1), received)
        if layer.feed_forward is not None:
            network = network_of(layer.feed_forward, stream)
            written = {block: torch.zeros_like(value) for block, value in blocks.items()}
            for curve in network.curves:
                written[curve.target] += curve(combined(curve.source, blocks))
            for block, size in network.constants.items():
                written[block] += size
            found = torch.cat([*written.values()], -1)
            torch.testing.assert_close(found, layer.feed_forward(H), rtol=1e-9, atol=1e-9)


def test_a_head_that_is_no_product_of_combinations_is_not_described_as_one():
    model = built("least_squares")
    attention = model.transformer.layers[0].attention
    with torch.no_grad():
        attention.key.weight[0, 1] = 0.3  # row 2 of a, where the head reads row 1
    assert heads_of(attention, model.format.stream) is None
    streams = list(model.transformer.streams(model.format.tokens(*prompt(model))))
    assert next(describe(model, streams)).shares


def test_formulas_leave_out_what_the_prompt_makes_trivial():
    model = built("least_squares")
    stream = model.format.stream
    streams = model.transformer.trace(model.format.tokens(*prompt(model)))
    read = [heads_of(layer.attention, stream) for layer in model.transformer.layers]
    states = [state_of(stream.unpack(tokens)) for tokens in streams]
    assert attention_formulas(read[0], states[0]) == [
        r"S \leftarrow S + a a^\top",  # whose last column holds the query
        r"X \leftarrow 0.001 a a^\top",
    ]
    assert attention_formulas(read[1], states[1]) == [r"X \leftarrow 2 X - X S^\top X"]
    assert attention_formulas(read[3], states[3]) == [r"w \leftarrow y a^\top X"]
    a, I = stream.rows("a", "I")
    head = Head({"S": a}, key=I, query=-2 * a)
    assert head_formula(head, states[0]) == r"S \mathrel{+}= - 2 a a"


@pytest.mark.parametrize("name", BUILT)
def test_a_built_model_holds_the_iterates_of_its_algorithm(name):
    model = built(name)
    found = readings(model, *prompt(model))
    iterate = found.columns[0]
    assert iterate.title == "from the algorithm’s iterate"
    errors = [value for value in iterate.values if value is not None]
    most = 0.1 if "logistic" in name or "damped" in name else 1e-9
    assert len(errors) >= (2 if name == "minimax" else 3) and max(errors) < most
    assert iterate.values[-1] is not None


@pytest.mark.parametrize("name", BUILT)
def test_the_last_estimate_is_the_models_answer(name):
    model = built(name)
    inputs = prompt(model)
    torch.testing.assert_close(
        readings(model, *inputs).estimates[-1], model.answer(*inputs), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("name", RELEASED)
def test_the_last_estimate_of_a_learned_model_is_its_answer(name):
    model = icnewton.load(RELEASED[name]).to(torch.float64)
    inputs = prompt(model)
    found = readings(model, *inputs)
    torch.testing.assert_close(found.estimates[-1], model.answer(*inputs))
    assert sum(column.is_comparison for column in found.columns) >= 2


def test_the_shares_of_a_layer_add_up_to_its_update():
    for name in RELEASED.values():
        model = icnewton.load(name).to(torch.float64)
        transformer = model.transformer
        before, after = list(transformer.streams(model.format.tokens(*prompt(model))))[:2]
        parts = shares(transformer, transformer.layers[0], before)
        update = (after - before)[0, -1]
        bias = transformer.layers[0].attention.output.bias
        update = update if bias is None else update - bias
        torch.testing.assert_close(
            sum(part.answer for part in parts), transformer.readout.weight @ update
        )


def test_residual_polynomials_are_those_of_the_algorithms():
    model = built("gdpp")
    x = prompt(model)[0]
    found = polynomials(model, x)
    grid, scalars = torch.tensor(found.grid, dtype=torch.float64), triangle_scalars(3, 30.0)
    for layer, measured in enumerate(found.measured):
        wanted = residual(grid, scalars.gammas[:layer], scalars.etas[:layer])
        torch.testing.assert_close(torch.tensor(measured, dtype=torch.float64), wanted)
    low, high = found.eigenvalues[0], found.eigenvalues[-1]
    assert found.is_linear and found.law == [law(layer, low, high) for layer in range(4)]
    assert found.law[0] == 1
    assert polynomials(model, x[:, -3:]) is None  # two examples in three dimensions


def test_newton_in_a_block_has_newtons_polynomial():
    model = built("least_squares")
    found = polynomials(model, prompt(model)[0])
    grid = torch.tensor(found.grid, dtype=torch.float64)
    assert found.measured[0] is None
    for layer, step in ((1, 0), (2, 1), (3, 2), (5, 2)):
        measured = torch.tensor(found.measured[layer], dtype=torch.float64)
        torch.testing.assert_close(measured, (1 - 1e-3 * grid**2).pow(2**step))


class Counter(HTMLParser):
    """Elements that are open, to see that each is closed."""

    VOID = ("meta", "link", "input", "br", "hr", "img")

    def __init__(self):
        super().__init__()
        self.open, self.data, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.data if self.open[-1:] == ["script"] else self.text).append(data)


def parsed(html):
    reader = Counter()
    reader.feed(html)
    assert reader.open == []
    for source in ("http:", "https:", "src=", "url("):
        assert source not in re.sub(r"http://www.w3.org/\S+", "", html), source
    return reader


@pytest.mark.parametrize("name", [*BUILT, *RELEASED])
def test_a_page_is_whole_and_has_the_right_numbers(name):
    model = icnewton.load(RELEASED[name]) if name in RELEASED else built(name)
    inputs = prompt(model)
    html = icnewton.explain(model, *inputs)
    reader = parsed(html)
    assert len(html) < 1e6
    data = json.loads(reader.data[0])
    depth = model.card.depth
    assert html.count('class="layer"') == depth + 1
    for math in re.findall(r"<math.*?</math>", html, re.DOTALL):
        ET.fromstring(math.replace("&", "&amp;"))
    exact = model.to(torch.float64)
    if model.card.kind == "built":
        shown = {found["name"]: found["tables"] for found in data["maps"]}
        for layer, blocks in enumerate(exact.trace(*inputs)):
            for block, values in blocks.items():
                tables = shown[block]
                last = next(table for table in reversed(tables[: layer + 1]) if table is not None)
                wanted = values[0].mT
                torch.testing.assert_close(
                    torch.tensor(last, dtype=torch.float64), wanted, rtol=1e-3, atol=1e-300
                )
    answer = exact.answer(*inputs)
    if answer.ndim == 1:
        rounded = f"{answer.item():.3e}"
        assert float(rounded) == pytest.approx(answer.item(), rel=1e-3)
        text = "".join(reader.text).replace("−", "-").replace("\u202f", " ")
        assert f"{answer.item():.4g}" in text or f"{answer.item():.{3}f}" in text


def test_a_page_takes_one_prompt_without_a_batch():
    model = built("gdpp")
    x, y = prompt(model)
    assert page(model, x[0].numpy(), y[0].tolist()) == page(model, x, y)
    assert "<title>My &amp; model</title>" in page(model, x, y, title="My & model")


def test_a_page_refuses_what_is_no_prompt():
    model = built("gdpp")
    x, y = prompt(model)
    with pytest.raises(ValueError, match="x must hold one prompt, found 2"):
        page(model, x.repeat(2, 1, 1), y.repeat(2, 1))
    with pytest.raises(TypeError, match="takes x and y, found 1"):
        page(model, x)
    with pytest.raises(ValueError, match=r"x must have shape \(batch, n \+ 1, 3\)"):
        page(model, x, y[:, :-1])


def test_a_prompt_outside_the_domain_is_said_to_be():
    model = built("gdpp")
    x, y = prompt(model)
    assert "Outside the model" not in page(model, x, y)
    assert "Outside the model" in page(model, 3 * x, y)


def test_numbers_are_short():
    assert [short(value) for value in (0.0, -2.0, 1 / 3, 1e-7 / 3, float("nan"))] == [
        0, -2, 0.3333, 3.333e-08, None,
    ]  # fmt: skip
    assert spans([1, 2, 3, 7, 9, 10]) == "1–3, 7, 9–10" and spans([]) == ""


def test_an_explorer_fits_into_another_page():
    fragment = explorer.fragment()
    parsed(fragment)
    parsed(explorer.page())
    assert " id=" not in fragment and fragment in explorer.page()
