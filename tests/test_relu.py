"""Neurons by their action: interpolation within its a-priori bound, constant outside, exact linear
maps and clearing.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icnewton.constructions.parts.gadgets import damping_gadget, decrement_bound, logistic_gadget
from icnewton.constructions.parts.heads import compile_layers
from icnewton.constructions.parts.relu import (
    Interpolants,
    Linear,
    interpolate,
    product,
    product_bound,
)
from icnewton.models.stream import Stream

EXACT = {"probability": lambda z: torch.sigmoid(-z), "root": lambda z: 1 / (2 * torch.cosh(z / 2))}
ROUNDING = 1e-14


@given(radius=st.floats(0.5, 60), cells=st.integers(2, 400))
@settings(max_examples=40, deadline=None)
def test_logistic_gadgets_stay_within_their_bounds_on_a_dense_grid(radius, cells):
    gadget = logistic_gadget(radius, cells)
    z = torch.linspace(-radius, radius, 50001, dtype=torch.float64)
    for name, exact in EXACT.items():
        error = (interpolate(gadget.knots, gadget.values[name], z) - exact(z)).abs().max().item()
        assert error <= gadget.bounds[name] + ROUNDING


@given(mu=st.floats(1e-3, 1), cells=st.integers(4, 400))
@settings(max_examples=40, deadline=None)
def test_the_damping_gadget_stays_within_its_weighted_bound(mu, cells):
    gadget, c = damping_gadget(mu, cells), 2 * mu**0.5
    assert gadget.knots[-1].item() == pytest.approx((1.1 * decrement_bound(mu)) ** 2)
    v = torch.linspace(0, 1, 50001, dtype=torch.float64).pow(4) * gadget.knots[-1]
    error = interpolate(gadget.knots, gadget.values["damping"], v) + v.sqrt() / (c + v.sqrt())
    assert (error.abs() * (v / mu).sqrt()).max().item() <= gadget.bounds["damping"] + ROUNDING


def test_the_bounds_fall_with_the_square_of_the_cells():
    for make in (lambda n: logistic_gadget(8.0, n), lambda n: damping_gadget(0.1, n)):
        coarse, fine = make(100).bounds, make(1000).bounds
        assert all(80 < coarse[name] / fine[name] < 125 for name in coarse)


def test_a_network_is_its_interpolant_and_constant_outside():
    stream = Stream({"t": 2, "f": 2, "g": 2})
    (t,) = stream.rows("t")
    knots = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
    values = {"f": torch.tensor([3.0, -1.0, 4.0]).double(), "g": knots.exp()}
    network = compile_layers(stream, [[Interpolants(t, knots, values)]])
    points = torch.tensor([[-9.0, -1.0], [-0.3, 0.5], [1.9, 2.0], [77.0, 2.1]], dtype=torch.float64)
    output = stream.unpack(network(stream.pack(1, 4, {"t": points[None]})))
    for name in values:
        assert torch.allclose(output[name][0], interpolate(knots, values[name], points), atol=1e-13)
    assert output["f"][0, 0, 0] == 3 and abs(output["f"][0, 3, 0] - 4) < 1e-12


@given(cells=st.integers(1, 60), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_two_layers_of_squares_multiply_within_the_bound(cells, seed):
    stream = Stream({"a": 3, "r": 1, "b": 3, "S": 3, "X": 3})
    first, second = product(*stream.rows("r", "a"), "b", ("S", "X"), cells)
    source = torch.Generator().manual_seed(seed)
    factor = torch.rand(1, 500, 1, generator=source, dtype=torch.float64) / 2
    rows = 2 * torch.rand(1, 500, 3, generator=source, dtype=torch.float64) - 1
    rows[0, 0] = 0
    blocks = stream.unpack(
        compile_layers(stream, [first, second])(stream.pack(1, 500, {"a": rows, "r": factor}))
    )
    assert (blocks["b"] - factor * rows).abs().max().item() <= product_bound(cells) + 1e-13
    assert blocks["S"].abs().max() == blocks["X"].abs().max() == 0, "clearing is exact to the bit"


def test_linear_maps_are_exact_and_a_row_is_added_to_every_row():
    stream = Stream({"u": 3, "c": 1, "v": 3})
    u, c = stream.rows("u", "c")
    tokens = stream.pack(
        2, 5, {"u": torch.randn(2, 5, 3).double(), "c": torch.randn(2, 5, 1).double()}
    )
    blocks, before = (
        stream.unpack(compile_layers(stream, [[Linear({"v": u + c})]])(tokens)),
        stream.unpack(tokens),
    )
    assert torch.equal(blocks["v"], before["u"] + before["c"])
    with pytest.raises(ValueError, match="source has 3 rows, their target 'c' has 1"):
        compile_layers(
            stream, [[Interpolants(u, torch.tensor([0.0, 1.0]), {"c": torch.tensor([0.0, 1.0])})]]
        )
