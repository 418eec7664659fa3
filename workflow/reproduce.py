"""`make reproduce`: set aside what is damaged, run Snakemake, and say where the article lies.

A dry run sets nothing aside, and counts what is damaged among what would be made. Snakemake's own
report lies beside the article. If Snakemake is asked for a part of the results, there is none.
"""

import os
import sys
from argparse import Namespace
from pathlib import Path

from snakemake import cli

from icnewton.pipeline.records import damaged, set_aside_alone
from icnewton.pipeline.schema import name_of

# --nolock ends a list of words, so that targets may follow; the profiles set it too
OPTIONS = ("--quiet", "rules", "host", "reason", "--nolock")
CACHE = ("--cache", "train")


def is_partial(options: Namespace) -> bool:
    """Whether Snakemake's options ask for a part of the results."""
    return bool(options.targets or options.until or options.omit_from)


def run(scale: str, training: str, words: list[str]) -> bool:
    """Run Snakemake, and print where the article lies; returns whether all went well.

    Raises ValueError if there are results without Snakemake's notes of how they were made.
    """
    results = Path("results") / name_of(scale)
    cached = CACHE if os.environ.get("SNAKEMAKE_OUTPUT_CACHE") else ()
    parser, options = cli.parse_args([*cached, *OPTIONS, *words])
    settings = [f"scale={scale}", *([f"training={training}"] if training else [])]
    options.config = [*(options.config or []), *settings]
    if options.executor in (None, "local"):
        # with a limit, the scheduler is woken once a second for every job that has ended
        options.max_jobs_per_timespan = None
    if options.dryrun:
        options.forcerun = {*options.forcerun, *map(str, damaged(results))}
    else:
        set_aside_alone(results)
    is_whole = not (options.dryrun or options.report or is_partial(options))
    if is_whole:
        options.report, options.report_after_run = results / "report.html", True
    done = cli.args_to_api(options, parser)
    if done and options.report:
        print((results / "index.html" if is_whole else options.report).resolve())
    elif done and not options.dryrun:
        print("ARGS asks for a part of the results, so that no report was made")
    return done


def main() -> None:
    """Run the scale of the command line, which ends with words for Snakemake."""
    scale, training, *words = sys.argv[1:]
    try:
        sys.exit(not run(scale, training, words))
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except ValueError as error:
        sys.exit(str(error))
    except Exception as error:  # printed as by Snakemake's own command
        cli.print_exception(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
