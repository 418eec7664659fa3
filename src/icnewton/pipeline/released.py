"""Models that this project trained and gives away, in ``released/<condition>/<run>``: found by
their settings.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from icnewton.models.weights import CARD, WEIGHTS
from icnewton.training.runs import Run, parse_run

RELEASED = Path("released")
ERRORS = "errors.csv"  # in it: what each model's error is, as `make released` found it


@dataclass(frozen=True)
class Supply:
    """Where each model of an experiment comes from, by name: the folder of a released one, a
    training, or nowhere.
    """

    released: Mapping[str, Path]
    trained: Mapping[str, Run]
    missing: Mapping[str, Run]

    @classmethod
    def of(
        cls, runs: Mapping[str, Run], training: str, device: str, released: Path = RELEASED
    ) -> "Supply":
        """``training`` says which models to train: ``all``, the ``missing`` that released/ lacks,
        ``none``, or ``auto``, which is missing on device ``cuda`` and none on ``cpu``. Raises
        ValueError, naming the file, if a card cannot be read.
        """
        if training == "auto":
            training = "missing" if device == "cuda" else "none"
        found = (
            {}
            if training == "all"
            else {name: find(name, run, released) for name, run in runs.items()}
        )
        given = {name: folder for name, folder in found.items() if folder}
        lacking = {name: run for name, run in runs.items() if name not in given}
        return cls(
            given, {} if training == "none" else lacking, lacking if training == "none" else {}
        )

    def __str__(self) -> str:
        """How many models come from where."""
        parts = {"released": self.released, "trained here": self.trained, "missing": self.missing}
        return (
            ", ".join(f"{len(models)} {how}" for how, models in parts.items() if models)
            or "no models"
        )

    @cached_property
    def released_at(self) -> Mapping[str, list[str]]:
        """Names of the released models of each condition; every input function of the workflow
        asks.
        """
        return _by_condition(self.released)

    @cached_property
    def trained_at(self) -> Mapping[str, list[str]]:
        """Names of the models of each condition that are trained here."""
        return _by_condition(self.trained)


def _by_condition(names: Iterable[str]) -> Mapping[str, list[str]]:
    found = defaultdict(list)
    for name in names:
        found[name.split("/")[0]].append(name)
    return dict(found)


def find(name: str, run: Run, released: Path = RELEASED) -> Path | None:
    """The folder of the released model of this name, if it was trained with exactly these settings.

    Raises ValueError, naming the file, if a card cannot be read.
    """
    card = released / name / CARD
    if not card.exists() or not card.with_name(WEIGHTS).exists():
        return None
    try:
        settings = json.loads(card.read_text(encoding="utf-8"))["origin"]["run"]
        trained = parse_run(settings).to_json()  # with defaults for what the card does not name
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        words = "expected the card of a learned model with its settings, found none"
        raise ValueError(f"{card}: {words}") from None
    return card.parent if trained == run.to_json() else None


def work(run: Run) -> float:
    """What a training costs, up to a factor: tokens that pass through layers, linear attention
    alone needing d + 1 a prompt.
    """
    tokens = run.condition.d + 1 if run.architecture.is_trilinear else run.condition.n + 1
    return (
        float(run.recipe.steps)
        * run.recipe.batch
        * tokens
        * run.recipe.width**2
        * max(run.layers, 1)
    )
