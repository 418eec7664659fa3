"""What a caller hands to a model: any array of numbers, of one batch size; and answers
differentiable in it.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from test_logistic import problem

import icnewton
from icnewton.evaluation.measurements.constructions import random_matrices
from icnewton.inputs import as_tensor
from icnewton.problems.linear import LinearCondition, sample
from icnewton.randomness import generator


@pytest.fixture
def least_squares():
    model = icnewton.build("least_squares", d=3, n=7, steps=3, alpha=4e-3)
    p = sample(LinearCondition("normalised", 3, 7, 4.0, 0.1), 4, 1, generator("inputs"))
    return model, p.x, p.y


MODELS = {
    "inverse": lambda: (icnewton.build("inverse", d=3, steps=3, symmetric=False), *_inverse()),
    "cubic": lambda: (
        icnewton.build("inverse", d=3, steps=3, symmetric=False, order=3),
        *_inverse(),
    ),
    "least_squares": lambda: (
        icnewton.build("least_squares", d=3, n=7, steps=3, alpha=4e-3),
        *_linear(),
    ),
    "damped_newton": lambda: (
        icnewton.build("damped_newton", d=3, n=7, mu=0.1, steps=2, error=1e-2),
        *problem(3, 7),
    ),
    "logistic_gradient_descent": lambda: (
        icnewton.build("logistic_gradient_descent", d=3, n=7, mu=0.1, steps=2, error=1e-2),
        *problem(3, 7),
    ),
    "learned": lambda: (
        icnewton.load("released/normalised_kappa10_noise0/lsa_layers2_seed0"),
        *_linear(10, 50),
    ),
    "encoder": lambda: (
        icnewton.load("released/bounded_kappa10_mu0.1/softmax_layers6_seed0"),
        *problem(5, 26),
    ),
}


def _linear(d=3, n=7):
    p = sample(LinearCondition("normalised", d, n, 4.0, 0.1), 4, 1, generator("inputs"))
    return p.x, p.y


def _inverse():
    A = random_matrices(3, 5.0, 4, False, generator("inputs"))
    return A, A.mT.contiguous()


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_differentiable_by_every_means(name):
    """A found fault: derivatives in reverse mode were exact zeros."""
    model, x, y = MODELS[name]()
    model = model.to(torch.float64)

    def answer(x):
        return model.answer(x, y).reshape(len(x), -1).sum(-1).double()

    x = x[:2].clone() * 0.9
    y = y[:2]
    direction = torch.randn(x.shape, generator=generator("direction"), dtype=x.dtype)
    h = 1e-6
    expected = (answer(x + h * direction) - answer(x - h * direction)) / (2 * h)
    jacobians = {
        "jacrev": torch.func.jacrev(answer)(x),
        "jacfwd": torch.func.jacfwd(answer)(x),
        "functional": torch.autograd.functional.jacobian(answer, x),
    }
    for how, jacobian in jacobians.items():
        found = (jacobian * direction).flatten(1).sum(-1)
        torch.testing.assert_close(
            found, expected, rtol=1e-4, atol=1e-5, msg=lambda text, how=how: f"{how}: {text}"
        )
    gradient = torch.func.grad(lambda x: answer(x).sum())(x)
    torch.testing.assert_close((gradient * direction).sum(), expected.sum(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        torch.func.jvp(answer, (x,), (direction,))[1], expected, rtol=1e-4, atol=1e-5
    )
    leaf = x.clone().requires_grad_()
    answer(leaf).sum().backward()
    torch.testing.assert_close(leaf.grad, gradient)


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_may_be_mapped_and_be_empty(name):
    model, x, y = MODELS[name]()
    whole = model.answer(x, y)
    one_by_one = torch.func.vmap(lambda a, b: model(a[None], b[None])[0])(x, y)
    torch.testing.assert_close(one_by_one, whole)
    assert model(x[:0], y[:0]).shape == whole[:0].shape
    assert len(model.check(x[:0], y[:0]).residual) == 0


def test_a_model_differentiates_through_its_checks(least_squares):
    model, x, y = least_squares
    assert torch.func.jacrev(lambda y: model(x, y))(y).abs().sum() > 0
    assert torch.func.jacrev(lambda x: model.trace(x, y)[-1]["y"])(x).abs().sum() > 0


def test_evaluation_keeps_no_graph(least_squares):
    model, x, y = least_squares
    assert not model(x, y).requires_grad
    assert all(not block.requires_grad for blocks in model.trace(x, y) for block in blocks.values())


@pytest.mark.parametrize("name", MODELS)
def test_batch_sizes_must_be_the_same(name):
    """A found fault: one vector of labels was used for a batch of eight prompts."""
    model, x, y = MODELS[name]()
    for inputs in ((x, y[:1]), (x[:1], y), (x, y[:2])):
        for call in (model, model.answer, model.check, model.trace):
            with pytest.raises(
                ValueError, match=r"must have the same batch size, found .* of shape \(\d, .* and"
            ):
                call(*inputs)


@pytest.mark.parametrize("name", MODELS)
def test_wrong_shapes_are_one_sentence(name):
    model, x, y = MODELS[name]()
    first, second = model.format.inputs
    for inputs in ((x[0], y), (x[..., :1], y), (x.unsqueeze(0), y)):
        with pytest.raises(ValueError, match=rf"^{first} must have shape \(batch, .*\), found \("):
            model(*inputs)
    with pytest.raises(
        ValueError, match=rf"^({first}|{second}) must have shape \(batch, .*\), found \("
    ):
        model(x, y.flatten())
    with pytest.raises(TypeError, match=f"takes {first} and {second}, found 1 inputs"):
        model(x)


@pytest.mark.parametrize(
    "convert",
    [
        lambda t: t.numpy(),
        lambda t: t.tolist(),
        lambda t: [*t],
        lambda t: [*t.numpy()],
        lambda t: np.asfortranarray(t.numpy()),
        lambda t: t.numpy()[::-1][::-1],
        lambda t: pd.DataFrame(t.numpy()) if t.ndim == 2 else t,
    ],
)
def test_arrays_of_numbers_are_taken(least_squares, convert):
    model, x, y = least_squares
    assert torch.equal(model(convert(x), convert(y)), model(x, y))
    assert torch.equal(model(x.float().numpy(), y.float().numpy()), model(x.float(), y.float()))


def test_whole_numbers_are_taken(least_squares):
    model, x, y = least_squares
    whole = (2 * y).round()
    for labels in (
        whole.long(),
        whole.long().numpy(),
        whole.long().numpy().astype(np.int8),
        whole.long().tolist(),
    ):
        assert torch.equal(model.answer(x, labels), model.answer(x, whole))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([["a", "b"]], "y must hold real numbers in a regular array, found list of <U1"),
        ([[1.0, 2.0], [3.0]], "y must hold real numbers in a regular array, found list of object"),
        (np.ones((4, 7), complex), "y must hold real numbers .* complex128"),
        (
            torch.ones(4, 7, dtype=torch.complex64),
            "y must hold real numbers, found torch.complex64",
        ),
        (None, "y must hold real numbers"),
    ],
)
def test_what_holds_no_numbers_is_refused(least_squares, value, words):
    model, x, _ = least_squares
    with pytest.raises(ValueError, match=words):
        model(x, value)


def test_a_tensor_elsewhere_is_refused():
    with pytest.raises(
        ValueError, match="x must be on the model's device cpu, found meta; move one with"
    ):
        as_tensor("x", torch.ones(2, device="meta"), torch.device("cpu"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_rows_divided_by_their_own_norm_are_taken_in_their_precision(dtype):
    """A found fault: in float32 such rows were refused as of "norm 1"."""
    model = icnewton.build("damped_newton", d=5, n=26, mu=0.1, steps=1, error=1e-2)
    x = torch.randn(64, 26, 5, generator=generator("rows")).to(dtype)
    x, y = x / torch.linalg.vector_norm(x, dim=-1, keepdim=True), torch.ones(64, 26)
    assert model(x, y).isfinite().all()
    with pytest.raises(ValueError, match=r"a row of norm 1.1\d*, more by 0.1"):
        model(1.1 * x.double(), y)


@pytest.mark.parametrize(
    ("where", "dtype"),
    [
        (("cpu",), "float64"),
        ((torch.float32,), "float32"),
        (("cpu", torch.float32), "float32"),
        ((torch.device("cpu"), torch.float16), "float16"),
    ],
)
def test_a_model_moves_as_torch_users_expect(least_squares, where, dtype):
    model, x, y = least_squares
    moved = model.to(*where)
    assert (
        moved.card.dtype == dtype
        and moved(x, y).dtype == getattr(torch, dtype)
        and model.card.dtype == "float64"
    )
    assert model.to(device="cpu", dtype=getattr(torch, dtype)).card == moved.card


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (("nowhere",), "device must be one that torch can use, found 'nowhere'"),
        ((torch.int64,), "dtype must be one of .*, found torch.int64"),
        ((3.5,), "device must be one that torch can use, found 3.5"),
    ],
)
def test_a_model_cannot_go_everywhere(least_squares, where, words):
    with pytest.raises(ValueError, match=words):
        least_squares[0].to(*where)
