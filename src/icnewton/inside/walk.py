"""A walk through a model for one prompt, layer by layer, as one page: ``icnewton.explain``."""

import json
from typing import Any

import torch
from markupsafe import Markup
from torch import Tensor

from icnewton.inputs import as_tensor
from icnewton.inside.emulated import emulated, name_of
from icnewton.inside.explorer import TEMPLATES
from icnewton.inside.layers import describe
from icnewton.inside.maps import maps, plain, short
from icnewton.inside.polynomials import Polynomials, polynomials
from icnewton.inside.readings import Readings, readings
from icnewton.models.model import Model
from icnewton.pages import render


@torch.no_grad()
def page(model: Model, *inputs: Any, title: str | None = None) -> str:
    """A self-contained HTML page that shows what a model does to one prompt.

    inputs: those of a call for one prompt, as x ``(n + 1, d)`` and y ``(n,)``, or for a batch of
    one. All is computed in float64, whatever the dtype of the weights. Raises ValueError on other
    shapes, on more than one prompt and on what the model's format refuses.
    """
    exact = model.to("cpu", torch.float64)
    tensors = _one_prompt(exact, inputs)
    streams = list(exact.transformer.streams(exact.format.tokens(*tensors)))
    algorithm = emulated(exact, *tensors)
    found = readings(exact, *tensors)
    has_query = found.symbol == "ŷ"
    curves = polynomials(exact, tensors[0]) if has_query else None
    values = {
        "title": title or f"Inside a {model.card.kind} transformer: {name_of(model)}",
        "card": model.card,
        "origin": _settings(model),
        "prompt": _prompt(exact, *tensors),
        "complaint": exact.domain.complaint(torch.float64, *tensors),
        "algorithm": algorithm,
        "layers": list(describe(exact, streams)),
        "readings": found,
        "estimates": [_estimate(estimate) for estimate in found.estimates],
        "polynomials": curves,
        "has_query": has_query,
        "data": _data(exact, streams, found, curves),
    }
    return render("walk.html", values, [TEMPLATES])


explain = page  # its name in the package


def _one_prompt(model: Model, inputs: tuple[Any, ...]) -> list[Tensor]:
    """The inputs as a batch of one, in float64."""
    names = [*model.format.inputs]
    if len(inputs) != len(names):
        raise TypeError(f"a model of this format takes {' and '.join(names)}, found {len(inputs)}")
    tensors = []
    for (name, shape), value in zip(model.format.inputs.items(), inputs, strict=True):
        tensor = as_tensor(name, value, torch.device("cpu")).detach().double()
        tensor = tensor.unsqueeze(0) if tensor.ndim == len(shape) else tensor
        if tensor.ndim == len(shape) + 1 and len(tensor) != 1:
            raise ValueError(f"{name} must hold one prompt, found {len(tensor)}")
        tensors.append(tensor)
    model.format.check(*tensors)
    return tensors


def _settings(model: Model) -> list[tuple[str, str]]:
    """What a model was made with, in words; of a learned one its training's condition."""
    origin = model.card.origin
    chosen = origin if model.card.kind == "built" else origin.get("run", {}).get("condition", {})
    return [
        (name, _word(value))
        for name, value in chosen.items()
        if name not in ("d", "n") and value is not None
    ]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_word, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _prompt(model: Model, first: Tensor, *others: Tensor) -> dict[str, Any]:
    """The sizes of the prompt and the spectrum that matters."""
    if "A" in model.format.inputs:
        sizes = torch.linalg.svdvals(first[0])
        return {"matrix": "A", "d": first.shape[-1], "low": sizes[-1], "high": sizes[0]}
    n = others[0].shape[-1]
    eigenvalues = torch.linalg.svdvals(first[0, :n]).square()
    low = eigenvalues[-1] if n >= first.shape[-1] else torch.tensor(0.0)
    return {"matrix": "AᵀA", "n": n, "d": first.shape[-1], "low": low, "high": eigenvalues[0]}


def _estimate(estimate: Tensor | None) -> list[float] | None:
    """The numbers of an estimate; none of a matrix, which is a heat map."""
    if estimate is None or estimate.ndim > 2:
        return None
    return estimate.flatten().tolist()


def _data(
    model: Model, streams: list[Tensor], found: Readings, curves: Polynomials | None
) -> Markup:
    """What the script draws, as JSON that may stand within a page."""
    columns = [
        {"title": column.title, "values": _short(column.values), "other": column.is_comparison}
        for column in found.columns
    ]
    values = {"maps": plain(maps(model, streams)), "columns": columns, "curves": None}
    if curves is not None:
        values["curves"] = {
            "eigenvalues": _short(curves.eigenvalues),
            "grid": _short(curves.grid),
            "measured": [None if r is None else _short(r) for r in curves.measured],
            "references": {name: [*map(_short, rs)] for name, rs in curves.references.items()},
            "law": _short(curves.law),
        }
    return Markup(json.dumps(values, separators=(",", ":")).replace("<", "\\u003c"))


def _short(values: Any) -> list[float | None]:
    return [None if value is None else short(value) for value in values]
