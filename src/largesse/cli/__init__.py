"""The command line: parse, call, exit code. Heavy imports stand inside commands, so that help comes at once."""

from largesse.cli import analysis, library, simulation
from largesse.cli.answering import app

__all__ = ["analysis", "app", "library", "main", "simulation"]


def main() -> None:
    """Run the command line; the entry point of the installed program."""
    app()
