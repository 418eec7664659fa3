"""What a check of a model on prompts finds, one entry for each prompt."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from icnewton.models.model import Model
from icnewton.typed import plain

SHOWN = 3  # prompts that are printed


@dataclass(frozen=True)
class Check:
    """One entry for each prompt, float64, ``(batch,)`` unless said otherwise.

    residual: what the answer leaves of the problem; a domain says in which norm.
    spectrum: ``(batch, 2)``, the ends of the spectrum that decides (of A^T A, A or the Hessian).
    expected_error: how far the answer is from the problem's solution, or a bound on it.
    steps: the fewest that would bring the expected error within the tolerance; infinite if none
        do, nan if the model's depth is not a number of steps.
    complaint: why prompts lie outside the domain; empty if none does.
    """

    residual: Tensor
    spectrum: Tensor
    expected_error: Tensor
    steps: Tensor
    complaint: str

    @property
    def inside(self) -> bool:
        """Whether the model was made for these prompts."""
        return not self.complaint

    def __str__(self) -> str:
        """The complaint, if any, and a line for each of the first prompts."""
        lines = [self.complaint or "within the domain"]
        for index in range(min(len(self.residual), SHOWN)):
            low, high = self.spectrum[index].tolist()
            residual, error = self.residual[index].item(), self.expected_error[index].item()
            lines.append(
                f"prompt {index}: spectrum [{low:.3g}, {high:.3g}], residual {residual:.3g}, "
                f"expected error {error:.3g}, steps that suffice {self.steps[index].item():g}"
            )
        return "\n".join(lines)


class UnknownDomain:
    """The domain of a model whose card does not say what it was made for."""

    def complaint(self, dtype: torch.dtype, *inputs: Tensor) -> str:
        """Always the same sentence."""
        return "the origin in this model's card does not say for which prompts it was made"

    def check(self, model: Model, *inputs: Tensor, tolerance: float) -> Check:
        """Nothing but the complaint."""
        unknown = torch.full((len(inputs[0]),), torch.nan, dtype=torch.float64)
        complaint = self.complaint(model.transformer.dtype)
        return Check(unknown, unknown.expand(2, -1).T, unknown, unknown, complaint)


def whole(name: str, value: object, most: int) -> int:
    """A number of an origin from 0 to ``most``; raises ValueError if it is not one."""
    number = int(plain(name, value, int))
    if not 0 <= number <= most:
        raise ValueError(f"{name} must be from 0 to {most}, found {number}")
    return number


def share(outside: Tensor) -> str:
    """``3 of 8 prompts``, from booleans ``(batch,)``."""
    return f"{int(outside.sum())} of {len(outside)} prompts"


def spectral_slack(x: Tensor, dtype: torch.dtype) -> float:
    """By how much rounding of prompts may move an eigenvalue, relative to it."""
    return max(1e-9, 100 * torch.finfo(x.dtype if x.is_floating_point() else dtype).eps)


def beyond(eigenvalues: Tensor, lower: float, upper: float, slack: float) -> Tensor:
    """Which spectra ``(batch, d)``, ascending, leave [lower, upper], ``(batch,)``."""
    low, high = eigenvalues[:, 0] * (1 + slack), eigenvalues[:, -1]
    return (low < lower) | (high > upper * (1 + slack))


def fewest_steps(residuals: Iterable[Tensor], tolerance: float) -> Tensor:
    """The fewest steps with max |rho| within the tolerance, ``(batch,)``; infinite where none are.

    residuals: rho ``(batch, d)`` after 0, 1, 2, ... steps, as many as may be tried.
    """
    small = torch.stack([rho.abs().amax(-1) <= tolerance for rho in residuals])
    return torch.where(small.any(0), small.int().argmax(0).double(), torch.inf)


def refuse_growth(
    rank_deficient: Tensor, steps: int, order: int, dtype: torch.dtype, remedy: str
) -> None:
    """Raise ValueError where rounding in a null space has grown to the size of the answer.

    The order-p iteration multiplies what lies in the null space of its matrix by p in every step.
    In exact arithmetic nothing lies there. A rounding error of relative size eps reaches the answer
    through a second one, so the answer shows p^T eps^2 of it. Prompts are refused where that
    exceeds eps.
    """
    eps = torch.finfo(dtype).eps
    if bool(rank_deficient.any()) and order**steps > 1 / eps:
        raise ValueError(
            f"{share(rank_deficient)} are rank-deficient, and {steps} steps of order {order} would "
            f"multiply the rounding errors in the null space by {order}^{steps}; "
            f"expected full rank, {remedy} or at most {_most(order, eps)} steps"
        )


def _most(order: int, eps: float) -> int:
    steps = 0
    while order ** (steps + 1) <= 1 / eps:
        steps += 1
    return steps
