"""Commands of one study: start it, check it, and take it from survey to page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from largesse.cli.answering import GATE_FAILED, REPORTABLE, Folder, Json, Quiet, answering, app, say

if TYPE_CHECKING:
    from largesse.results import Results, Verdict

PANEL = "One study"


@app.command(rich_help_panel=PANEL)
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the study's folder; made where it is not there")],
    past: Annotated[Path | None, typer.Option("--from", help="a study that asked the same, to start from")] = None,
) -> None:
    """Start a study from a commented template, or from another study: its columns, levels, models and estimands."""
    from largesse.study import Study
    from largesse.template import related, start

    with answering(quiet=False, as_json=False):
        for path in related(folder, Study.read(past)) if past else start(folder):
            typer.echo(f"wrote {path}")
        typer.echo(
            f"Now put the survey there, say in study.toml which column is what, and run: largesse check {folder}"
        )


@app.command(rich_help_panel=PANEL)
def check(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """List everything that is wrong with a study, all at once, without sampling."""
    with answering(quiet, as_json):
        from largesse.study import Study
        from largesse.workflow import check as checked

        inputs = checked(Study.read(study))
        dropped = [d for m in inputs.models for d in m.active(inputs.cells[m.name])[1]]
        answer = {
            "study": inputs.study.name,
            "kept": len(inputs.survey.table),
            "rows": inputs.survey.rows,
            "models": {m.name: int(inputs.cells[m.name].sizes["cell"]) for m in inputs.models},
            "dropped": [vars(d) for d in inputs.survey.dropped],
            "dropped_terms": [vars(d) for d in dropped],
        }
        lines = [f"{inputs.study.name}: nothing wrong. {inputs.survey!r}"]
        lines += [f"  {d.count:,} {d.reason} in '{d.column}' ({d.role})" for d in inputs.survey.dropped]
        lines += [f"  {d.model} leaves out {d.term}: {d.why}" for d in dropped]
        say(answer, lines, as_json)


@app.command(rich_help_panel=PANEL)
def run(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Check, fit, diagnose, estimate and report; only what is missing."""
    with answering(quiet, as_json):
        from largesse.study import Study
        from largesse.workflow import Workflow
        from largesse.workflow import check as checked

        record = Study.read(study)
        steps = Workflow(checked(record))
        results = steps.results()
        page = steps.page()
        answer = summary(results) | {"page": str(page), "results": str(record.results_path), "reused": steps.reused}
        say(answer, [*headline(results), "", str(page)], as_json)
        leave(results)


@app.command(rich_help_panel=PANEL)
def fit(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Draw from the posterior of every model of a study."""
    with answering(quiet, as_json):
        steps = _steps(study)
        fits = steps.fits()
        answer = {name: {"path": str(steps.fit_paths[name]), "fingerprint": f.fingerprint} for name, f in fits.items()}
        say(answer, [f"{f!r}" for f in fits.values()], as_json)


@app.command(rich_help_panel=PANEL)
def diagnose(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Ask every gate of every fit."""
    with answering(quiet, as_json):
        from dataclasses import asdict

        steps = _steps(study)
        audits = steps.audits(steps.fits())
        verdicts = [v for a in audits.values() for v in a.verdicts]
        say([asdict(v) for v in verdicts], [str(v) for v in verdicts], as_json)
        raise typer.Exit(GATE_FAILED if _failed(verdicts) else REPORTABLE)


@app.command(rich_help_panel=PANEL)
def estimate(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Write results.json: every number a page may print."""
    with answering(quiet, as_json):
        from dataclasses import asdict

        results = _steps(study).results()
        shown = [e for e in results.estimates if not e.group or ".at." in e.key]
        lines = [
            f"{e.key:<26} {100 * e.mean:7.1f}  ({100 * e.lower:.1f} to {100 * e.upper:.1f})  {e.status}" for e in shown
        ]
        say([asdict(e) for e in results.estimates], [*lines, "", "points of 100, with equal-tailed intervals"], as_json)
        leave(results)


# --- what these commands share ---------------------------------------------------------------------------------


def _steps(study: Path) -> Any:
    from largesse.inputs import gather
    from largesse.study import Study
    from largesse.workflow import Workflow

    return Workflow(gather(Study.read(study)))


def _failed(verdicts: Sequence[Verdict]) -> bool:
    return any(v.answer.value in ("failed", "not run") for v in verdicts)


def summary(results: Results) -> dict[str, Any]:
    """Whether results may be reported, what they say first, and what failed."""
    return {
        "reportable": results.reportable,
        "headline": headline(results),
        "failed": [v.sentence for v in results.failed],
    }


def headline(results: Results) -> list[str]:
    """What the page says first, for a terminal."""
    from largesse.report.words import spoken

    return spoken(results)


def leave(results: Results) -> NoReturn:
    """End with the exit code of results."""
    raise typer.Exit(REPORTABLE if results.reportable else GATE_FAILED)
