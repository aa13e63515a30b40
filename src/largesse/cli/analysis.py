"""Commands of one study: start it, check it, and take it from survey to page."""

from __future__ import annotations

import json
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
        answer = _summary(results) | {"page": str(page), "results": str(record.results_path), "reused": steps.reused}
        say(answer, [*_headline(results), "", str(page)], as_json)
        _leave(results)


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
        _leave(results)


@app.command(rich_help_panel=PANEL)
def report(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Render the page from the stored results; neither survey nor sampler is touched."""
    with answering(quiet, as_json):
        from largesse.report.build import build
        from largesse.results import Results
        from largesse.study import Study

        record = Study.read(study)
        page = build(record)
        results = Results.read(record.results_path)
        say(_summary(results) | {"page": str(page)}, [*_headline(results), "", str(page)], as_json)
        _leave(results)


@app.command(rich_help_panel=PANEL)
def show(
    study: Folder,
    key: Annotated[
        str | None,
        typer.Argument(help="loyalty.direct, joint.spillover, or a pointer: /survey/kept; all files unless given"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show where a number comes from: its place, how it is worked out, and the files behind it as they are now."""
    with answering(quiet=False, as_json=as_json):
        from largesse.artefacts import standing
        from largesse.origins import trace
        from largesse.results import Results
        from largesse.study import Study

        record = Study.read(study)
        results = Results.read(record.results_path)
        found = trace(results, key) if key else None
        behind = found.artefacts if found else results.artefacts
        now = standing(behind, record.folder)
        states = {name: now.of(name) for name in behind}
        files = {name: {"sha256": digest, "state": states[name]} for name, digest in behind.items()}
        told = {} if found is None else {"at": found.pointer, "value": found.value, "how": found.how, "by": found.by}
        lines = [] if found is None else [*_valued(found.value), f"at  {found.pointer}", f"is  {found.how}",
                                          f"by  {found.by}", "of"]  # fmt: skip
        lines += [f"  {states[name]:<9}  {digest}  {name}" for name, digest in behind.items()]
        say(told | {"artefacts": files}, lines, as_json)
        raise typer.Exit(GATE_FAILED if now.stale else REPORTABLE)


def _valued(value: Any) -> list[str]:
    """What stands at a place: a row of names and values, or a single one."""
    if not isinstance(value, dict):
        return [json.dumps(value, ensure_ascii=False)]
    return [
        f"{name:<14} {json.dumps(each, ensure_ascii=False)}" for name, each in value.items() if each not in (None, "")
    ]


# --- what these commands share ---------------------------------------------------------------------------------


def _steps(study: Path) -> Any:
    from largesse.inputs import gather
    from largesse.study import Study
    from largesse.workflow import Workflow

    return Workflow(gather(Study.read(study)))


def _failed(verdicts: Sequence[Verdict]) -> bool:
    return any(v.answer.value in ("failed", "not run") for v in verdicts)


def _summary(results: Results) -> dict[str, Any]:
    return {
        "reportable": results.reportable,
        "headline": _headline(results),
        "failed": [v.sentence for v in results.failed],
    }


def _headline(results: Results) -> list[str]:
    from largesse.report.words import spoken

    return spoken(results)


def _leave(results: Results) -> NoReturn:
    raise typer.Exit(REPORTABLE if results.reportable else GATE_FAILED)
