"""Nesterov's accelerated gradient descent on any smooth, strongly convex function."""

from collections.abc import Callable, Iterator

from torch import Tensor


def accelerated(
    gradient: Callable[[Tensor], Tensor], start: Tensor, L: Tensor, mu: Tensor | float
) -> Iterator[Tensor]:
    """Iterates ``(batch, d)`` with step 1 / L.

    The function is L-smooth and mu-strongly convex, L ``(batch, 1)``, and the momentum is
    (sqrt(L) - sqrt(mu)) / (sqrt(L) + sqrt(mu)).
    """
    momentum = (L.sqrt() - mu**0.5) / (L.sqrt() + mu**0.5)
    w = previous = start
    while True:
        yield w
        ahead = w + momentum * (w - previous)
        w, previous = ahead - gradient(ahead) / L, w
