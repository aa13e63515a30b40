"""The command line: parse, call, exit code. Heavy imports stand inside commands, so that help comes at once."""

import os
import sys

from largesse.cli import analysis, library, pages, sharing, simulation
from largesse.cli.answering import INTERRUPTED, app

__all__ = ["analysis", "app", "library", "main", "pages", "sharing", "simulation"]


def main() -> None:
    """Run the command line; the entry point of the installed program.

    An interrupted process ends at once: threads of the sampler may still be in compiled code, and crashed now and then
    when Python took it down under them.
    """
    try:
        app()
    except SystemExit as leaving:
        if leaving.code != INTERRUPTED:
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
