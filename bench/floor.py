"""The least time a training step could take: operations over the rate of matrix products, or bytes
over bandwidth.

Counted for the algorithm of ``icnewton.training`` (backward: twice the forward), not for the plain
step.
"""

import time
from dataclasses import dataclass

import torch

from icnewton.training.runs import Run


@dataclass(frozen=True)
class Machine:
    """Measured rates: operations a second of float32 matrix products, bytes a second of a copy
    (read and write).
    """

    operations: float
    bytes: float


def measure(device: str) -> Machine:
    """The rates of this machine with as many threads as torch uses."""
    side, repeats = (8192 if device == "cuda" else 2048), 7
    a = torch.randn(side, side, device=device)
    source = torch.randn(64 << 20, device=device)
    target = torch.empty_like(source)
    product = min(_seconds(lambda: a @ a, device) for _ in range(repeats))
    copy = min(_seconds(lambda: target.copy_(source), device) for _ in range(repeats))
    return Machine(2 * side**3 / product, 2 * source.nbytes / copy)


def _seconds(work: object, device: str) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def floor_milliseconds(run: Run, machine: Machine) -> float:
    """The larger of the two times of one step."""
    batch = run.recipe.batch
    operations = 3 * 2 * batch * _multiplications(run)
    return 1e3 * max(
        operations / machine.operations, 4 * batch * _floats_moved(run) / machine.bytes
    )


def _sizes(run: Run) -> tuple[int, int, int]:
    """Tokens of a prompt as the layers see it, entries of an embedded token, and those that the
    first layer works with.
    """
    softmax, norm = run.family.startswith("softmax"), run.family != "lsa"
    inputs = run.condition.d + (2 if softmax else 1)
    tokens = (
        min(run.condition.n, run.condition.d + 1) + 1
        if run.transformer().config.is_trilinear
        else run.condition.n + 1
    )
    return tokens, inputs, inputs + norm


def _multiplications(run: Run) -> int:
    """Multiply-adds of one prompt's forward pass."""
    tokens, inputs, r = _sizes(run)
    D, H, F, softmax = (
        run.recipe.width,
        run.recipe.heads,
        run.recipe.hidden_width,
        run.family.startswith("softmax"),
    )
    mixing = 2 * tokens * tokens * D if softmax else 2 * tokens * D * D // H
    middle = 4 * tokens * D * D + mixing + 2 * tokens * D * F
    first = tokens * r * r + H * r**3 + H * r * r * D + tokens * (r + (r != inputs) * inputs) * D
    if softmax:
        first = tokens * inputs * D + middle
    seen = r if run.layers == 1 else D
    last = D * (3 * seen + D) + 2 * tokens * H * seen + 2 * D * F
    return last + (run.layers > 1) * first + max(run.layers - 2, 0) * middle


def _floats_moved(run: Run) -> int:
    """Numbers of one prompt that a step must write and read again because they do not stay in
    registers.

    The stream after each layer (written, read by the next layer and by the backward pass), queries,
    keys, values and hidden activations (written and read once) and the gradient of the stream
    (written and read).
    """
    tokens, _, _ = _sizes(run)
    D, F, inner = run.recipe.width, run.recipe.hidden_width, run.layers - 1
    kept = max(inner - (not run.family.startswith("softmax")), 0) * tokens * (3 * D + F)
    return 5 * inner * tokens * D + 2 * kept
