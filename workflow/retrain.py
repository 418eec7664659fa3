"""`make retrain MODEL=condition/run`: train a released model again from its card, and compare.

The new model goes into results/retrained/. On a processor like the one in the card, with the same
torch, and with a C compiler or none as there, the bytes are the same. Elsewhere rounding differs,
and the models' errors are compared. (Their final losses are not: each is a mean in which single
prompts can count for most.)
"""

import argparse
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from icnewton.models.model import Card, Model
from icnewton.models.weights import CARD, WEIGHTS, load, save
from icnewton.pipeline.released import RELEASED
from icnewton.randomness import generator
from icnewton.threads import limit_threads
from icnewton.training.loop import train
from icnewton.training.runs import Run, parse_run
from workflow.status import training_code
from workflow.train_released import usable

RETRAINED = Path("results/retrained")
# Factor between median errors: training amplifies rounding as much as another seed would.
NOISE = 2.0


@dataclass(frozen=True)
class Comparison:
    """Two trainings of one run.

    alike: whether they ran on the same kind of machine.
    same_bytes: whether the weights are equal.
    error, released_error: median squared errors of prediction, or of w, on the same prompts.
    """

    alike: bool
    same_bytes: bool
    error: float
    released_error: float

    @property
    def holds(self) -> bool:
        """Whether bytes are equal, or errors within ``NOISE`` on machines that are not alike."""
        if self.same_bytes or self.alike:
            return self.same_bytes
        return 1 / NOISE <= self.error / self.released_error <= NOISE

    def __str__(self) -> str:
        bytes_ = "the same bytes" if self.same_bytes else "other bytes"
        machine = "a machine like the card's" if self.alike else "another machine than the card's"
        errors = f"median error {self.error:.3g}, released {self.released_error:.3g}"
        return f"{bytes_} on {machine}, {errors}"


def machine(card: Card) -> tuple[object, ...]:
    """What a card says that bears on rounding."""
    return card.origin["device"], card.origin["compiled"], card.origin["versions"]["torch"]


def median_error(model: Model, run: Run) -> float:
    """The median over fresh prompts of the squared error that the run trains on."""
    prompts = run.sample(128, 8, generator("retrain"))
    target = run.target(prompts)
    answers = model.to(torch.float64).answer(prompts.x, prompts.y)
    return (answers - target).square().view(len(target), -1).mean(1).median().item()


def retrain(folder: Path, device: str, out: Path) -> Comparison:
    """Train the model in a folder again, from its card alone, into the folder ``out``.

    A checkpoint is kept there meanwhile. Raises ValueError if there is no model.
    """
    released = load(folder)
    run = parse_run(released.card.origin["run"])
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, code = out / "checkpoint.safetensors", training_code(run)
    model, _ = train(
        run, checkpoint=checkpoint, code=code, device=device, say=partial(print, flush=True)
    )
    save(model, out)
    checkpoint.unlink(missing_ok=True)
    same = (out / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()
    alike = machine(model.card) == machine(released.card)
    return Comparison(alike, same, median_error(model, run), median_error(released, run))


def main() -> None:
    """Say how the second training compares with the first; exit code 1 if it is another model."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow.retrain", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("model", help="such as normalised_kappa10_noise0/lsa_layers1_seed0")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    limit_threads(1)
    name = options.model.removeprefix(f"{RELEASED}/").rstrip("/")
    known = sorted(str(card.parent.relative_to(RELEASED)) for card in RELEASED.glob(f"*/*/{CARD}"))
    if name not in known:
        expected = f"one of {len(known)} models in {RELEASED}/, such as {', '.join(known[:1])}"
        sys.exit(f"MODEL: expected {expected}, found {name!r}")
    try:
        comparison = retrain(RELEASED / name, usable(options.device), RETRAINED / name)
    except ValueError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the checkpoint")
    print(f"{RETRAINED / name}: {comparison}")
    sys.exit(not comparison.holds)


if __name__ == "__main__":
    main()
