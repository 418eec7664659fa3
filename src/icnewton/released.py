"""Models that this project trained and gives away, in ``released/<condition>/<run>``: found by their settings."""

import json
from pathlib import Path

from icnewton.training.runs import Run
from icnewton.typed import differences
from icnewton.weights import CARD, WEIGHTS

RELEASED = Path("released")


def find(name: str, run: Run, released: Path = RELEASED) -> Path | None:
    """The folder of the released model of this name, if it was trained with exactly these settings.

    Raises ValueError, naming the file, if a card cannot be read.
    """
    card = released / name / CARD
    if not card.exists() or not card.with_name(WEIGHTS).exists():
        return None
    try:
        trained = json.loads(card.read_text())["origin"]["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{card}: expected the card of a learned model with its settings, found none") from None
    return None if any(differences(trained, json.loads(json.dumps(run.to_json())))) else card.parent


def work(run: Run) -> float:
    """What a training costs, up to a factor: tokens that pass through layers, linear attention alone needing d + 1 a prompt."""
    trilinear = run.family == "lsa" and run.recipe.activation_clip is None
    tokens = run.condition.d + 1 if trilinear else run.condition.n + 1
    return float(run.recipe.steps) * run.recipe.batch * tokens * run.recipe.width**2 * max(run.layers, 1)
