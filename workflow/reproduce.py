"""`make reproduce`: set aside what is damaged, run Snakemake, and show all results in one report.

A dry run sets nothing aside, and counts what is damaged among what would be made. Where Snakemake
is asked for a part of the results, there is no report.
"""

import os
import sys
from argparse import Namespace
from pathlib import Path

from snakemake import cli

from icnewton.records import damaged, set_aside_alone

# --nolock, which the profiles say too, ends a list of words, so that targets may follow
OPTIONS = ("--quiet", "rules", "host", "reason", "--nolock")
NO_REPORT = "ARGS asks for a part of the results, so that no report was made"
CACHE = ("--cache", "train")


def is_partial(options: Namespace) -> bool:
    """Whether Snakemake's options ask for a part of the results."""
    return bool(options.targets or options.until or options.omit_from)


def main() -> None:
    """Run a scale with more words for Snakemake, as the command line says."""
    scale, training, *words = sys.argv[1:]
    report = Path("results") / scale / "report.html"
    cached = CACHE if os.environ.get("SNAKEMAKE_OUTPUT_CACHE") else ()
    parser, options = cli.parse_args([*cached, *OPTIONS, *words])
    settings = [f"scale={scale}", *([f"training={training}"] if training else [])]
    options.config = [*(options.config or []), *settings]
    shown = not (options.dryrun or is_partial(options))
    if shown:
        options.report, options.report_after_run = report, True
    try:
        if options.dryrun:
            options.forcerun = {*options.forcerun, *map(str, damaged(report.parent))}
        else:
            set_aside_alone(report.parent)
        done = cli.args_to_api(options, parser)
    except ValueError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted")
    if done and not options.dryrun:
        print(report.resolve() if shown else NO_REPORT)
    sys.exit(not done)


if __name__ == "__main__":
    main()
