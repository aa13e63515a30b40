"""What every command shares: its options, how it answers, and which exit code it leaves."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

REPORTABLE, GATE_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

WIDTH = 110  # at which help is broken, at most


class Headed(TyperGroup):
    """Commands listed under the headings they are given, in plain text: help waits for no library that draws boxes."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write every heading with its commands, in the order in which the first of each was made."""
        headed: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            heading = getattr(command, "rich_help_panel", None) or "Commands"
            headed.setdefault(heading, []).append((name, command.get_short_help_str(limit=2 * WIDTH)))
        for heading, rows in headed.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


app = typer.Typer(
    name="largesse",
    cls=Headed,
    rich_markup_mode=None,
    context_settings={"max_content_width": WIDTH},
    help="Bayesian models of selective gift distribution: who receives, and what it does to reported loyalty, to those"
    " passed over, and to market participation.",
    epilog="Exit codes: 0 reportable; 1 it ran, but a check failed; 2 bad input.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path, typer.Argument(metavar="STUDY", help="study.toml, or the folder that holds it")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="say nothing but the answer and what is wrong")]
Json = Annotated[bool, typer.Option("--json", help="answer in JSON on standard output")]


@contextmanager
def answering(quiet: bool, as_json: bool) -> Iterator[None]:
    """Turn the package's errors into messages and exit codes; set up the log."""
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.WARNING)
    logging.getLogger("largesse").setLevel(logging.WARNING if quiet else logging.INFO)
    from largesse.errors import InputError, LargesseError

    try:
        yield
    except InputError as error:
        _refuse([vars(p) for p in error.problems], [str(p) for p in error.problems], as_json, BAD_INPUT)
    except LargesseError as error:
        _refuse([{"message": str(error)}], [str(error)], as_json, GATE_FAILED)
    except KeyboardInterrupt:
        _refuse([], ["interrupted: what was finished is kept, and the next run goes on from there"], False, INTERRUPTED)


def _refuse(problems: Sequence[Mapping[str, Any]], lines: Sequence[str], as_json: bool, status: int) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"problems": problems}, ensure_ascii=False, indent=1))
    for line in lines:
        typer.echo(f"error: {line}" if problems else line, err=True)
    raise typer.Exit(status)


def say(answer: Any, lines: Sequence[str], as_json: bool) -> None:
    """Answer on standard output: in JSON, or line by line."""
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=1) if as_json else "\n".join(lines))
