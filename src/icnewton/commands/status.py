"""What a run of a scale would do, and when it would end: the checkout's own ``workflow.status``."""

import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from icnewton.commands import Command


def arguments(parser: ArgumentParser) -> None:
    """The scale."""
    parser.add_argument(
        "scale",
        nargs="?",
        default="laptop",
        metavar="SCALE",
        help="one of workflow/scales/, or a file of your own (default: laptop)",
    )
    parser.add_argument("--training", help="all, missing, none or auto: the models to train")
    parser.add_argument("--jobs", action="store_true", help="list every job with its reason")


def run(options: Namespace) -> bool:
    """Ask the checkout in this folder."""
    here = Path.cwd()
    if not (here / "Snakefile").is_file() or not (here / "workflow/status.py").is_file():
        expected = "to run in a checkout of icnewton, beside its Snakefile, which no wheel has"
        raise ValueError(f"status: expected {expected}, found {here}")
    words = [options.scale]
    if options.training:
        words.append(f"training={options.training}")
    if options.jobs:
        words.append("--jobs")
    command = [sys.executable, "-m", "workflow.status", *words]
    environment = os.environ | {"PYTHONPATH": str(here / "src")}
    return subprocess.run(command, env=environment).returncode == 0


ENTRIES = {
    "status": Command(
        says="Tell what a run of a scale would do, why, and when it would end.",
        examples=("paper", "laptop --training all --jobs"),
        arguments=arguments,
        run=run,
    )
}
