"""What a run would do: a dry run of Snakemake's in this process, whose job events are caught."""

import io
import logging
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass

from snakemake import cli
from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

KINDS = {
    "Forced execution": "damaged, to be kept under another name and made anew",
    "Incomplete output files": "interrupted",
    "Missing output files": "missing",
    "Params have changed": "other settings or code",
    "Set of input files has changed": "other inputs",
    "Updated input files": "changed inputs",
    "Input files updated by another job": "following from these",
}


@dataclass(frozen=True)
class Planned:
    """A job that a run would do, with its files, and Snakemake's reason."""

    rule: str
    wildcards: Mapping[str, str]
    reason: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The rule and its wildcards, such as ``train condition/lsa_layers2_seed0``."""
        return " ".join([self.rule, "/".join(self.wildcards.values())]).strip()

    @property
    def kind(self) -> str:
        """The first of ``KINDS`` that the reason names."""
        named = (kind for phrase, kind in KINDS.items() if phrase in self.reason)
        return next(named, "other reasons")


def plan(arguments: Iterable[str]) -> list[Planned]:
    """The jobs of a dry run with Snakemake's ``arguments``.

    If there can be no plan, this exits with Snakemake's message.
    """
    jobs: list[Planned] = []

    def catch(event: logging.LogRecord) -> bool:
        if getattr(event, "event", None) is LogEvent.JOB_INFO and event.rule_name != "all":
            files = tuple(event.input), tuple(event.output)
            jobs.append(Planned(event.rule_name, dict(event.wildcards), event.reason, *files))
        return event.levelno >= logging.ERROR

    logger.addFilter(catch)
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            cli.main(["--dry-run", *arguments])
    except SystemExit as end:
        if end.code:
            sys.exit(said.getvalue())
    finally:
        logger.removeFilter(catch)
    return jobs
