"""`make retrain MODEL=condition/run`: train a released model again from its card, and compare.

On a processor like the one in the card, with the same torch and a C compiler or none as there, the bytes are the same;
elsewhere rounding differs, and the final losses are compared.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from icnewton.devices import resolve
from icnewton.models import Card
from icnewton.released import RELEASED
from icnewton.threads import limit_threads
from icnewton.training.loop import train
from icnewton.training.runs import parse_run
from icnewton.weights import CARD, WEIGHTS, load, save

NOISE = 0.1  # of final losses, relative: two processors round differently, and training amplifies it


@dataclass(frozen=True)
class Comparison:
    """Two trainings of one run. alike: whether they ran on the same kind of machine; same_bytes: whether weights are equal."""

    alike: bool
    same_bytes: bool
    loss: float
    released_loss: float

    @property
    def holds(self) -> bool:
        """Equal bytes on machines that are alike, and equal losses up to ``NOISE`` anyway."""
        return (self.same_bytes or not self.alike) and abs(self.loss - self.released_loss) <= NOISE * self.released_loss

    def __str__(self) -> str:
        bytes_ = "the same bytes" if self.same_bytes else "other bytes"
        machine = "a machine like the card's" if self.alike else "another machine than the card's"
        return f"{bytes_} on {machine}, final loss {self.loss:.6g} and {self.released_loss:.6g} in the card"


def machine(card: Card) -> tuple[object, ...]:
    """What of a card bears on rounding."""
    return card.origin["device"], card.origin["compiled"], card.origin["versions"]["torch"]


def retrain(folder: Path, device: str) -> Comparison:
    """Train the model in a folder again, from its card alone; raises ValueError if there is no model."""
    released = load(folder).card
    with tempfile.TemporaryDirectory() as temporary:
        again, checkpoint = Path(temporary), Path(temporary) / "checkpoint.safetensors"
        model, _ = train(
            parse_run(released.origin["run"]), checkpoint=checkpoint, code="", device=device, say=lambda line: None
        )
        save(model, again)
        same = (again / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()
    alike = machine(model.card) == machine(released)
    return Comparison(alike, same, model.card.origin["final_loss"], released.origin["final_loss"])


def main() -> None:
    """Say how the second training compares with the first; exit code 1 if it is another model."""
    parser = argparse.ArgumentParser(prog="python -m workflow.retrain", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="such as normalised_kappa10_noise0/lsa_layers1_seed0")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    limit_threads(1)
    if not (RELEASED / options.model / CARD).exists():
        known = sorted(str(card.parent.relative_to(RELEASED)) for card in RELEASED.glob(f"*/*/{CARD}"))
        sys.exit(f"MODEL: expected one of the {len(known)} models in {RELEASED}/, such as {known[0]}, found {options.model!r}")
    comparison = retrain(RELEASED / options.model, resolve(options.device))
    print(comparison)
    sys.exit(not comparison.holds)


if __name__ == "__main__":
    main()
