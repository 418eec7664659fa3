"""How good a model's answers are, beside those of algorithms of as many steps."""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from icnewton.commands import Command
from icnewton.commands.parts.model import find, given, prompt_arguments
from icnewton.commands.parts.screen import show, show_json, table

if TYPE_CHECKING:
    from rich.table import Table

    from icnewton.evaluation.comparison import Row
    from icnewton.problems.parts.condition import Condition

MOST = 1_000_000  # prompts


def arguments(parser: ArgumentParser) -> None:
    """The model and the prompts."""
    prompt_arguments(parser)
    parser.add_argument("--prompts", type=int, default=4096, help="how many (default: 4096)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> bool:
    """Draw prompts, and print what the model and the references make of them."""
    from icnewton.evaluation.comparison import compare
    from icnewton.problems import PROBLEMS
    from icnewton.threads import limit_threads
    from icnewton.training.api import sample

    limit_threads(1)  # prompts are small, so that threads would wait for each other
    if not 1 <= options.prompts <= MOST:
        raise ValueError(f"--prompts: expected 1 to {MOST}, found {options.prompts}")
    found = find(options.model)
    condition, model = found.asked(given(options)), found.model
    prompts = sample(**condition.to_json(), prompts=options.prompts, seed=options.seed)
    complaint = model.domain.complaint(model.transformer.dtype, prompts.x, prompts.y)
    rows = [*compare(model, condition, prompts)]
    if options.json:
        show_json(as_json(options, condition, complaint, rows))
        return True
    card = model.card
    sizes = f"d = {condition.d}, n = {condition.n}"
    law = f"{condition.title((condition.d, condition.n))}, {sizes}, seed {options.seed}"
    show(f"{options.model}: {card.kind} {card.family}, {card.depth} layers, {card.heads} heads")
    show(f"{options.prompts} prompts: {law}")
    if diverged := card.origin.get("diverged"):
        show(f"Its training diverged: {diverged}.")
    show(f"Outside its domain: {complaint}." if complaint else "Inside the model's domain.")
    for name, measure in PROBLEMS[condition.problem].measures.items():
        if own := [row for row in rows if row.measure == name]:
            show("", table_of(measure.label.removeprefix("median "), own))
    return True


def table_of(label: str, rows: Sequence["Row"]) -> "Table":
    """A row for each method, by one measure."""
    from icnewton.algorithms import ALGORITHMS
    from icnewton.evaluation.comparison import MODEL

    made = table(label, "layers", "median", "95 % interval", "mean", "95 % interval")
    for row in rows:
        named = row.method != MODEL
        title = f"{ALGORITHMS[row.method].title}, {row.steps} steps" if named else "this model"
        layers = "–" if math.isnan(row.layers) else f"{row.layers:g}"
        made.add_row(
            title,
            layers,
            f"{row.median:.3g}",
            "{:.3g} to {:.3g}".format(*row.median_interval),
            f"{row.mean:.3g}",
            "{:.3g} to {:.3g}".format(*row.mean_interval),
        )
    return made


def as_json(
    options: Namespace, condition: "Condition", complaint: str, rows: Sequence["Row"]
) -> dict[str, Any]:
    """Everything that is printed; what is not finite is null."""
    return {
        "model": options.model,
        "condition": condition.to_json(),
        "prompts": options.prompts,
        "seed": options.seed,
        "inside_domain": not complaint,
        "complaint": complaint or None,
        "rows": [finite(asdict(row)) for row in rows],
    }


def finite(value: Any) -> Any:
    """A value in which null stands for every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


ENTRIES = {
    "eval": Command(
        says="Measure a model's errors on fresh prompts, beside algorithms of as many steps.",
        examples=(
            "normalised_kappa10_noise0/lsa_layers4_seed0 --kappa 20",
            "least_squares:d=10,n=50,steps=6,order=3 --prompts 1000 --json",
        ),
        arguments=arguments,
        run=run,
    )
}
