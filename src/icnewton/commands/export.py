"""A model as a folder for the Hugging Face Hub."""

import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icnewton.commands import Command
from icnewton.commands.parts.model import HELP, find

if TYPE_CHECKING:
    from icnewton.models.model import Card


def arguments(parser: ArgumentParser) -> None:
    """The model and the folder."""
    parser.add_argument("model", metavar="MODEL", help=HELP)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")


def run(options: Namespace) -> bool:
    """Write the folder; its weights are those of the model, byte for byte."""
    from icnewton import save
    from icnewton.commands.parts.model_card import model_card
    from icnewton.models.hub import export
    from icnewton.models.weights import files_of

    found = find(options.model)
    card, folder = found.model.card, options.output.expanduser()
    readme = model_card(found.name, card, found.condition, known_error(card))
    if files_of(options.model)[0].exists():
        export(options.model, folder, readme)
    else:  # a construction
        with tempfile.TemporaryDirectory() as made:
            save(found.model, made)
            export(made, folder, readme)
    print(f'{folder}: `icnewton.load("{folder}")` loads it')
    return True


def known_error(card: "Card") -> dict[str, Any] | None:
    """What the table of released models says of one with these weights."""
    from icnewton.commands.models import errors
    from icnewton.models.weights import CHECKOUT
    from icnewton.pipeline.released import ERRORS, RELEASED

    for (_, weights), row in errors(CHECKOUT / RELEASED / ERRORS).items():
        if weights == card.weights.get("blake2b"):
            error, prompts = float(row["median"]), int(row["prompts"])
            return {"quantity": row["quantity"], "error": error, "prompts": prompts}
    return None


ENTRIES = {
    "export": Command(
        says="Write a model as a folder for the Hugging Face Hub, with its model card.",
        examples=(
            "normalised_kappa10_noise0/lsa_layers4_seed0 -o lsa4",
            "least_squares:d=10,n=50,steps=6,order=3 -o newton",
        ),
        arguments=arguments,
        run=run,
    )
}
