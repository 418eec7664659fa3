"""The card's bound on a damped Newton step, on prompts made to break it."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_logistic import problem

import icnewton
from icnewton.algorithms.damped_newton import damped_step
from icnewton.constructions.parts import interventions
from icnewton.constructions.parts.precision import smallest_error

D, N = 2, 5
MUS = [1.0, 0.1, 0.01, 1e-3]


def adversarial(seed=0):
    """Prompts by name: x ``(batch, 5, 2)`` with rows of norm at most 1, and labels."""
    x, y = problem(D, N, 8, seed)
    unit = x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    ones = torch.ones_like(y)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0], dtype=x.dtype).expand_as(y)
    aligned = unit[:, :1].expand_as(x)
    one_large = torch.cat([unit[:, :1], 1e-6 * unit[:, 1:]], 1)
    return {
        "any": (x, y),
        "rows at the sphere": (unit, y),
        "aligned rows, one label: the largest gradient": (aligned, ones),
        "aligned rows, both labels": (aligned, signs),
        "opposite rows": (aligned * signs.unsqueeze(-1), ones),
        "repeated rows of both labels": (unit[:, [0, 0, 1, 1, 1]], signs),
        "all labels equal": (unit, -ones),
        "one large row": (one_large, y),
        "tiny rows": (1e-9 * unit, y),
        "rows of zeros": (torch.zeros_like(x), ones),
    }


def assert_within(mu, error, steps, seed=0):
    """No step of any of the prompts is further from the exact one than the card says."""
    settings_ = {"d": D, "n": N, "mu": mu, "steps": steps, "error": error, "looped": True}
    model = icnewton.build("damped_newton", **settings_)
    bound = model.card["origin"]["step_error_bound"]
    assert bound <= error
    for name, (x, y) in adversarial(seed).items():
        w = interventions.iterates(model, x, y)
        for before, after in pairwise(w):
            distance = torch.linalg.vector_norm(after - damped_step(before, x, y, mu), dim=-1)
            assert distance.max().item() <= bound, name


@given(mu=st.sampled_from(MUS), digits=st.floats(2, 4), seed=st.integers(0, 999))
@settings(max_examples=12, deadline=None)
def test_no_prompt_exceeds_the_bound_of_the_card(mu, digits, seed):
    assert_within(mu, 10.0**-digits, 4, seed)


@pytest.mark.slow
@pytest.mark.parametrize("mu", MUS)
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_no_prompt_exceeds_it_from_1e_2_to_the_smallest_error(mu, share):
    smallest = 1.01 * smallest_error(mu)
    assert_within(mu, 1e-2 ** (1 - share) * smallest**share, 8)
