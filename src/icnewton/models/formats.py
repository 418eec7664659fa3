"""Prompt formats: how a problem becomes tokens, and where the answer is read.

A format is a small frozen dataclass. Its fields go into the model's card, under its name in
``FORMATS``. The answer is read from the last residual stream.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor

from icnewton.inputs import Shape
from icnewton.models.built_formats import (
    DescentFormat,
    InverseFormat,
    LeastSquaresFormat,
    LogisticStateFormat,
    MatrixFormat,
    PolynomialFormat,
)
from icnewton.models.learned_formats import HiddenLabelFormat, LogisticFormat, RegressionFormat
from icnewton.models.stream import Stream


class Format(Protocol):
    """What every format can do: name its inputs and blocks, make tokens and read the answer."""

    @property
    def inputs(self) -> Mapping[str, Shape]:
        """The problem's tensors in their order, with their shapes behind the batch size."""
        ...

    @property
    def check(self) -> Callable[..., None]:
        """Raises ValueError on wrong shapes and on what the format does not allow."""
        ...

    @property
    def stream(self) -> Stream:
        """The named blocks of a token."""
        ...

    @property
    def tokens(self) -> Callable[..., Tensor]:
        """From the problem's tensors to ``(batch, tokens, width)``."""
        ...

    def read(self, output: Tensor) -> Tensor:
        """The answer in the transformer's output."""
        ...


LearnedFormat = RegressionFormat | LogisticFormat
LEARNED: dict[str, type[RegressionFormat] | type[LogisticFormat]] = {
    "regression": RegressionFormat,
    "logistic": LogisticFormat,
    "hidden_label": HiddenLabelFormat,
}
FORMATS: dict[str, type] = {
    "inverse": InverseFormat,
    "matrix": MatrixFormat,
    "descent": DescentFormat,
    "least_squares": LeastSquaresFormat,
    "polynomial": PolynomialFormat,
    "logistic_state": LogisticStateFormat,
    **LEARNED,
}
