"""A page on what a model does to one prompt, layer by layer."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from icnewton.commands import Command
from icnewton.commands.parts.model import find, given, prompt_arguments
from icnewton.commands.parts.page import output_argument, write_page


def arguments(parser: ArgumentParser) -> None:
    """The model, the prompt and the page."""
    prompt_arguments(parser)
    parser.add_argument(
        "--prompt",
        type=Path,
        metavar="CSV",
        help="a row for each example, the columns of x and then y; the last row is the query, with "
        "y empty (logistic prompts have none); drawn if left out",
    )
    output_argument(parser)


def run(options: Namespace) -> bool:
    """Write the page, and say whether the model was made for the prompt."""
    from icnewton.commands.parts.prompt import read_prompt
    from icnewton.inside.walk import page
    from icnewton.training.api import sample

    found = find(options.model)
    condition, model = found.asked(given(options)), found.model
    if options.prompt is None:
        prompts = sample(**condition.to_json(), prompts=1, seed=options.seed)
        x, y = prompts.x, prompts.y
    else:
        x, y = read_prompt(options.prompt, condition.problem, condition.d)
    model.format.check(x, y)
    complaint = model.domain.complaint(model.transformer.dtype, x, y)
    write_page(options.output, page(model, x, y))
    if complaint:
        print(f"The prompt is outside the model's domain: {complaint}.")
    return True


ENTRIES = {
    "explain": Command(
        says="Write a page on what a model does to a prompt, layer by layer.",
        examples=(
            "normalised_kappa10_noise0/lsa_layers4_seed0 -o page.html",
            "least_squares:d=3,n=12,steps=4 --prompt real.csv -o page.html",
        ),
        arguments=arguments,
        run=run,
    )
}
