"""A training step recorded once as a CUDA graph and replayed: gradient, clip, optimizer and schedule without the host.

A step of small models is hundreds of small kernels, and launching them one by one takes longer than running them. Everything
that changes from step to step lives on the device (clock, schedule, moments), so a recording stays true. Prompts are drawn
eagerly, a few kernels a step and ahead of the device, into tensors that the recording reads: the libraries' factorisations
and the Newton iteration of logistic labels, which stops when it has converged, cannot be recorded.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from icnewton.training.engine import TrainingState, advance, draw
from icnewton.training.runs import Run

EAGER_STEPS = 3  # before a recording, so that libraries have allocated their workspaces

Step = Callable[[], tuple[Tensor, Tensor]]


def stepper(run: Run, state: TrainingState) -> Step:
    """A function that makes the next step of a run: ``advance``, or on a CUDA device its recording."""
    return Recording(run, state) if state.clock.is_cuda else lambda: advance(run, state)


class Recording:
    """Makes steps of one run on a CUDA device; recorded anew where a curriculum changes the shapes."""

    def __init__(self, run: Run, state: TrainingState) -> None:
        self.run, self.state, self.eager = run, state, EAGER_STEPS
        self.stream = torch.cuda.Stream()
        self.graph: torch.cuda.CUDAGraph | None = None
        self.batch: tuple[Tensor, Tensor] | None = None

    def __call__(self) -> tuple[Tensor, Tensor]:
        """The next step's loss and gradient norm; the tensors are overwritten by the step after it."""
        self._refill()
        if self.eager:
            self.eager -= 1
            return self._eagerly()
        if self.graph is None:
            self._record()
        assert self.graph is not None
        self.graph.replay()
        self.state.step += 1
        return self.result

    def _refill(self) -> None:
        drawn = draw(self.run, self.state)
        if self.batch is None or self.batch[0].shape != drawn[0].shape:
            self.batch, self.graph, self.eager = drawn, None, EAGER_STEPS
        for old, new in zip(self.batch, drawn, strict=True):
            old.copy_(new)

    def _eagerly(self) -> tuple[Tensor, Tensor]:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = advance(self.run, self.state, self.batch)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def _record(self) -> None:
        step, self.graph = self.state.step, torch.cuda.CUDAGraph()
        for parameter in self.state.transformer.parameters():
            parameter.grad = None
        with torch.cuda.graph(self.graph):
            self.result = advance(self.run, self.state, self.batch)
        self.state.step = step  # what is recorded is not run
