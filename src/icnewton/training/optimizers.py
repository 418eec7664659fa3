"""How parameters descend: Adam for all, or Muon for weight matrices and Adam for the rest.

**Muon** (Jordan et al., 2024) moves a matrix by the polar factor U V^T of its averaged gradient
U S V^T. That is the steepest descent in the spectral norm, which treats all singular directions
alike. The polar factor comes from a Newton-Schulz iteration, an odd polynomial of the matrix that
drives its singular values to 1. It takes nothing but products of small matrices.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from icnewton.training.recipe import Recipe

# a x + b x^3 + c x^5 is steep at 0, and within [0.68, 1.21] after five steps from any x > 0.003
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def optimizers(model: nn.Module, recipe: Recipe, device: str) -> list[torch.optim.Optimizer]:
    """The optimizers of a model by ``recipe``.

    Each group has its rate as a tensor ``lr`` on the device, and its ``peak``.
    """
    spectral: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim == 2 and name.startswith("layers.")
        is_spectral = is_matrix and recipe.matrix_rate is not None
        (spectral if is_spectral else others).append(parameter)
    options: dict[str, Any] = {"dtype": torch.float32, "device": device}
    adam = torch.optim.Adam(
        others,
        lr=torch.zeros((), **options),
        betas=recipe.betas,
        fused=True,
        capturable=device == "cuda",
    )
    adam.param_groups[0]["peak"] = recipe.learning_rate
    if not spectral:
        return [adam]
    muon = Muon(spectral, torch.zeros((), **options), recipe.matrix_momentum)
    for group in muon.param_groups:
        group["peak"] = recipe.matrix_rate
    return [muon, adam]


class Muon(torch.optim.Optimizer):
    """Moves matrices by ``lr``, a tensor, times the polar factor of their Nesterov momentum.

    Matrices are stacked by shape. A step changes each by a spectral norm of about ``lr``.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], lr: Tensor, momentum: float) -> None:
        by_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            by_shape.setdefault(matrix.shape, []).append(matrix)
        groups = [{"params": group} for group in by_shape.values()]
        super().__init__(groups, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step from the gradients."""
        for group in self.param_groups:
            matrices, momentum = group["params"], group["momentum"]
            for matrix in matrices:
                if "average" not in self.state[matrix]:
                    self.state[matrix]["average"] = torch.zeros_like(matrix)
                self.state[matrix]["average"].lerp_(matrix.grad, 1 - momentum)
            average = torch.stack([self.state[matrix]["average"] for matrix in matrices])
            direction = torch.stack([matrix.grad for matrix in matrices]).lerp_(average, momentum)
            torch._foreach_sub_(matrices, (group["lr"] * polar_factor(direction)).unbind())


def polar_factor(matrices: Tensor) -> Tensor:
    """U V^T of ``(count, m, n)`` matrices U S V^T, nearly.

    Singular values above 0.3 % of the norm end in [0.68, 1.21].
    """
    wide = matrices if matrices.shape[-2] <= matrices.shape[-1] else matrices.mT
    X = wide / torch.linalg.matrix_norm(wide, keepdim=True).clamp_min(1e-30)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = X @ X.mT
        X = a * X + (b * gram + c * gram @ gram) @ X
    return X if wide is matrices else X.mT
