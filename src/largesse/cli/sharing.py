"""The command that lets something leave the desk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from largesse.cli.answering import GATE_FAILED, REPORTABLE, Folder, Json, answering, app, say


@app.command(rich_help_panel="One study")
def share(
    study: Folder,
    out: Annotated[Path | None, typer.Option(help="the bundle; STUDY/<name>.zip unless given")] = None,
    as_json: Json = False,
) -> None:
    """Bundle page, results and record without respondents or paths, and prove that nothing else is in it."""
    with answering(quiet=False, as_json=as_json):
        from largesse import sharing
        from largesse.results import Results
        from largesse.study import Study

        record = Study.read(study)
        path = out or record.folder / f"{record.name}.zip"
        held = sharing.share(record, path)
        lines = [f"{digest[:16]}  {name}" for name, digest in held.items()]
        about = "Counts and shares in it give away no fewer than five people. It is not differential privacy."
        say({"bundle": str(path), "files": held}, [*lines, "", about, str(path)], as_json)
        raise typer.Exit(REPORTABLE if Results.read(record.results_path).reportable else GATE_FAILED)
