"""Train a model and save it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from icnewton.commands import Command
from icnewton.commands.parts.screen import duration

SETTINGS = ("steps", "batch", "learning_rate")  # of the recipe


def arguments(parser: ArgumentParser) -> None:
    """What to train, on what, for how long, and where it goes."""
    parser.add_argument("family", metavar="FAMILY", help="such as lsa, lsa_ln or softmax")
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--protocol", default="normalised", help="law of the examples")
    parser.add_argument("--kappa", type=float, default=10.0, help="condition number (default: 10)")
    parser.add_argument("--noise", type=float, help="of the labels of linear regression")
    parser.add_argument("--mu", type=float, help="regularisation of logistic regression")
    parser.add_argument("--d", type=int, help="dimension of an example")
    parser.add_argument("--n", type=int, help="examples of a prompt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", default="fast", help="how (default: fast)")
    parser.add_argument("--steps", type=int, help="instead of the recipe's")
    parser.add_argument("--batch", type=int, help="prompts of a step, instead of the recipe's")
    parser.add_argument("--learning-rate", type=float, help="instead of the recipe's")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")


def run(options: Namespace) -> bool:
    """Train with a bar of progress; an interrupted training goes on when the command is repeated.

    Its checkpoint lies in the folder. Raises ValueError if a model lies there.
    """
    from icnewton import Recipe, save, train
    from icnewton.models.weights import files_of

    folder: Path = options.output.expanduser()
    if (card := files_of(folder)[0]).exists():
        raise ValueError(f"{folder}: expected a folder without a model, found {card}")
    changes = chosen(options, SETTINGS)
    recipe = Recipe.named(options.recipe, options.family, **changes)
    checkpoint = folder / "checkpoint.safetensors"
    model = train(
        options.family,
        layers=options.layers,
        recipe=recipe,
        protocol=options.protocol,
        kappa=options.kappa,
        d=options.d,
        n=options.n,
        seed=options.seed,
        checkpoint=checkpoint,
        device=options.device,
        say=_resumed,
        **chosen(options, ("noise", "mu")),
    )
    save(model, folder)
    checkpoint.unlink(missing_ok=True)
    origin = model.card.origin
    if origin["diverged"]:
        print(f"{folder}: diverged, {origin['diverged']}")
        return False
    print(f"{folder}: final loss {origin['final_loss']:.3g} after {duration(origin['seconds'])}")
    print(f"`icnewton eval {folder}` measures its error on fresh prompts")
    return True


def chosen(options: Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """The options that were given."""
    values = {name: getattr(options, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _resumed(line: str) -> None:
    """Say where a training goes on; refuse to write over the checkpoint of another one."""
    if line.startswith("starting over: "):
        reason = line.removeprefix("starting over: ")
        raise ValueError(f"{reason}; remove it, or choose another folder")
    if line.startswith("resuming"):
        print(line, flush=True)


ENTRIES = {
    "train": Command(
        says="Train a model and save it in a folder.",
        examples=(
            "lsa --layers 2 --kappa 10 --steps 500 -o mine",
            "softmax --layers 4 --protocol bounded --mu 0.1 -o encoder",
        ),
        arguments=arguments,
        run=run,
    )
}
