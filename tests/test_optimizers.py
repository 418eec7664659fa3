"""Muon's polar factor and its steps, and which weights go to which optimizer."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.runs import make_run

from icnewton.randomness import generator
from icnewton.training.optimizers import Muon, optimizers, polar_factor


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(1.0, 100.0), st.integers(0, 10**6))
def test_the_polar_factor_is_nearly_orthogonal(m, n, condition, seed):
    gaussian = torch.randn(3, m, n, dtype=torch.float64, generator=generator("matrices", seed))
    U, _, Vh = torch.linalg.svd(gaussian, full_matrices=False)
    rank = min(m, n)
    S = torch.logspace(0, -math.log10(condition), rank, dtype=torch.float64)
    found = polar_factor(U * S @ Vh)
    assert found.isfinite().all()
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.25
    torch.testing.assert_close((found.mT @ (U @ Vh)).mT, found.mT @ (U @ Vh), rtol=0, atol=1e-8)


def test_muon_moves_every_matrix_by_its_rate():
    matrices = [
        torch.nn.Parameter(torch.randn(*shape, generator=generator(shape)))
        for shape in ((8, 8), (8, 8), (4, 16))
    ]
    before = [matrix.detach().clone() for matrix in matrices]
    optimizer = Muon(matrices, torch.tensor(0.05), 0.9)
    for scale, matrix in zip((1e-6, 1.0, 1e6), matrices, strict=True):
        matrix.grad = scale * torch.randn(matrix.shape, generator=generator(scale))
    optimizer.step()
    for old, new in zip(before, matrices, strict=True):
        assert 0.05 * 0.6 < torch.linalg.matrix_norm(new.detach() - old, 2) < 0.05 * 1.25


@pytest.mark.parametrize(
    ("layers", "rate", "kinds"),
    [(2, None, ["Adam"]), (2, 0.02, ["Muon", "Adam"]), (0, 0.02, ["Adam"])],
)
def test_matrices_of_layers_go_to_muon_if_there_are_any(layers, rate, kinds):
    run = make_run("lsa", layers)
    transformer = run.transformer()
    found = optimizers(transformer, replace(run.recipe, matrix_rate=rate), "cpu")
    assert [type(optimizer).__name__ for optimizer in found] == kinds
    weights = [
        p for optimizer in found for group in optimizer.param_groups for p in group["params"]
    ]
    assert {id(p) for p in weights} == {id(p) for p in transformer.parameters()} and len(
        weights
    ) == len(set(map(id, weights)))
