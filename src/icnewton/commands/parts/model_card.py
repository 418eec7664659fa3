"""The model card of an exported model: README.md with what the Hugging Face Hub reads in front."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from icnewton.commands.parts.screen import duration

if TYPE_CHECKING:
    from icnewton.models.model import Card
    from icnewton.problems.parts.condition import Condition

PAPER = "How Well Can Transformers Emulate In-context Newton's Method?"
TAGS = ["in-context-learning", "newton-method", "icnewton"]
QUANTITIES = {
    "error": "median squared error over tr Σ",
    "excess": "median excess of the logistic loss over its minimum",
}


def model_card(
    name: str, card: "Card", condition: "Condition | None", error: Mapping[str, Any] | None
) -> str:
    """The text of a README.md.

    error: what is known of the model's error, ``quantity``, ``error`` and ``prompts``.
    """
    front = yaml.safe_dump(
        front_matter(name, card, condition, error), sort_keys=False, allow_unicode=True, width=200
    )
    return f"---\n{front}---\n\n" + "\n".join(body(name, card, condition, error))


def front_matter(
    name: str, card: "Card", condition: "Condition | None", error: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What the Hub shows of a model, and searches."""
    values: dict[str, Any] = {
        "license": "mit",
        "library_name": "icnewton",
        "tags": [*TAGS, card.family, card.kind],
    }
    if condition is not None and error is not None:
        metric = {
            "type": error["quantity"],
            "name": QUANTITIES[error["quantity"]],
            "value": error["error"],
        }
        result = {
            "task": {"type": "other", "name": f"in-context {condition.problem} regression"},
            "dataset": {"type": "synthetic", "name": told(condition)},
            "metrics": [metric],
        }
        values["model-index"] = [{"name": name, "results": [result]}]
    return values


def body(
    name: str, card: "Card", condition: "Condition | None", error: Mapping[str, Any] | None
) -> Iterator[str]:
    """The lines of the text."""
    yield f"# {name}\n"
    yield (
        f"A {card.kind} transformer of the family `{card.family}`: {card.depth} layers, "
        f"{card.heads} heads of dimension {card.head_dim}, width {card.width}, "
        f"{card.config['attention']} attention, {card.dtype}. It belongs to the reproduction of "
        f"*{PAPER}* ([arXiv 2403.03183](https://arxiv.org/abs/2403.03183)).\n"
    )
    yield "## How to load it\n"
    yield "```python\nimport icnewton\n"
    yield 'model = icnewton.load("path/to/this/folder")  # config.json and model.safetensors'
    yield f"{USE[answers(card)]}\n```\n"
    yield "## How it was made\n"
    yield from made(card)
    yield "\n## Its domain\n"
    if card.kind == "learned" and condition is not None:
        yield f"It was trained on prompts of this kind: {told(condition)}. A call on other prompts"
    else:
        yield "Its settings above say for which prompts it was made. A call on others"
    yield "warns, and raises an error with `strict=True`; `model.check` tells more."
    if error is not None:
        yield "\n## Its error\n"
        quantity, prompts = QUANTITIES[error["quantity"]], error["prompts"]
        yield f"The {quantity} is {error['error']:.3g}, measured on {prompts} prompts"
        yield "that training did not see."
    yield "\n## License\n\nMIT\n"


USE = {
    "prediction": "y_hat = model(x, y)  # x (batch, n + 1, d), the query last; y (batch, n)",
    "weights": "w = model(x, y)  # x (batch, n, d); y (batch, n) of -1 and 1",
    "inverse": "X = model(A, X0)  # (batch, d, d) each",
    "matrix": "X = model(A)  # (batch, d, d)",
}


def answers(card: "Card") -> str:
    """What a model answers, by its format."""
    special = {"inverse": "inverse", "matrix": "matrix"}
    logistic = ("logistic", "hidden_label", "logistic_state")
    kind: str = card.format["name"]
    return special.get(kind, "weights" if kind in logistic else "prediction")


def made(card: "Card") -> Iterator[str]:
    """How the weights came about."""
    origin = card.origin
    if card.kind != "learned":
        settings = ", ".join(f"{key} = {value}" for key, value in origin.items())
        yield f"Its weights were written down, not trained ({card.claim}): {settings}."
        return
    recipe, seed = origin["run"]["recipe"], origin["run"]["seed"]
    yield f"Trained for {recipe['steps']} steps of {recipe['batch']} prompts in"
    yield f"{duration(origin['seconds'])} on {origin['device']}, seed {seed}; learning rate"
    loss = origin["final_loss"]
    ended = f"it diverged ({origin['diverged']})" if origin["diverged"] else f"loss {loss:.3g}"
    yield f"{recipe['learning_rate']}, at the end {ended}. `config.json` has the whole recipe."


def told(condition: "Condition") -> str:
    """A condition in words."""
    sizes = condition.d, condition.n
    return f"{condition.title(sizes)}, d = {condition.d}, n = {condition.n}"
