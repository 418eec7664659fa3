"""A training step recorded once as a CUDA graph and replayed without the host.

A step of small models is hundreds of small kernels, and launching them one by one takes longer than
running them. The recording holds gradient, clip, optimizer and schedule. Everything that changes
from step to step lives on the device (clock, schedule, moments), so a recording stays valid.

Prompts are drawn eagerly into tensors that the recording reads, because their drawing cannot be
recorded: it uses the libraries' factorisations and, for logistic labels, a Newton iteration that
stops when the host sees that it has converged.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from icnewton.training.fast.step import draw
from icnewton.training.fast.together import advance_together
from icnewton.training.runs import Run
from icnewton.training.step import Batch, TrainingState

EAGER_STEPS = 3  # before a recording, so that libraries have allocated their workspaces

Step = Callable[[], tuple[Tensor, Tensor]]


def stepper(runs: Sequence[Run], states: Sequence[TrainingState]) -> Step:
    """A function that makes the next step of runs of one shape.

    It is ``advance_together``, or a recording of it on a CUDA device.
    """
    if states[0].clock.is_cuda:
        return Recording(runs, states)
    return lambda: advance_together(runs, states)


class Recording:
    """Steps of some runs on a CUDA device; recorded anew where a curriculum changes shapes."""

    def __init__(self, runs: Sequence[Run], states: Sequence[TrainingState]) -> None:
        self.runs, self.states, self.eager = runs, states, EAGER_STEPS
        self.stream = torch.cuda.Stream()
        self.graph: torch.cuda.CUDAGraph | None = None
        self.batches: list[Batch] = []

    def __call__(self) -> tuple[Tensor, Tensor]:
        """The next step's losses and gradient norms; the step after overwrites them."""
        self._refill()
        if self.eager:
            self.eager -= 1
            return self._eagerly()
        self.graph = self.graph or self._recorded()
        self.graph.replay()
        for state in self.states:
            state.step += 1
        return self.result

    def _refill(self) -> None:
        drawn = [draw(run, state) for run, state in zip(self.runs, self.states, strict=True)]
        if not self.batches or self.batches[0][0].shape != drawn[0][0].shape:
            self.batches, self.graph, self.eager = drawn, None, EAGER_STEPS
        for kept, new in zip(self.batches, drawn, strict=True):
            for old, tensor in zip(kept, new, strict=True):
                old.copy_(tensor)

    def _eagerly(self) -> tuple[Tensor, Tensor]:
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = advance_together(self.runs, self.states, self.batches)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

    def _recorded(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        for state in self.states:
            for parameter in state.transformer.parameters():
                parameter.grad = None
        steps = [state.step for state in self.states]
        with torch.cuda.graph(graph, stream=self.stream):
            self.result = advance_together(self.runs, self.states, self.batches)
        for state, step in zip(self.states, steps, strict=True):
            state.step = step  # a recording runs nothing
        return graph
