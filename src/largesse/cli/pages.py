"""Commands of pages: render them from what is stored, trace their numbers, hold one run against another."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from largesse.cli.analysis import headline, leave, summary
from largesse.cli.answering import GATE_FAILED, REPORTABLE, Folder, Json, Quiet, answering, app, say

if TYPE_CHECKING:
    from largesse.models.contract import Model
    from largesse.study import Study

PANEL = "Pages"
Out = Annotated[Path | None, typer.Option(help="the page; beside the study, or in this folder, unless given")]


class Of(StrEnum):
    """What a page is about."""

    STUDY = "study"
    CALIBRATION = "calibration"
    PRIORS = "priors"


@app.command(rich_help_panel=PANEL)
def report(
    subject: Annotated[str, typer.Argument(metavar="STUDY|MODEL", help="a study, or for --of a model")],
    of: Annotated[Of, typer.Option(help="the study itself, or its models' calibration or priors")] = Of.STUDY,
    out: Out = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Render a page from what is stored; neither survey nor sampler is touched.

    Of a study, or with --of of its models or of one model: how its calibration stands, or where its priors come from,
    what they imply, and of a study with results what the data added to them.
    """
    with answering(quiet, as_json):
        if of is Of.STUDY:
            _study(Path(subject), out, as_json)
        study, chosen = _chosen(subject)
        page = out or (study.folder / f"{of}.html" if study else Path(f"{subject}-{of}.html"))
        good = _calibration(chosen, page) if of is Of.CALIBRATION else _priors(study, chosen, page)
        say({"page": str(page), "good": good}, [str(page)], as_json)
        raise typer.Exit(REPORTABLE if good else GATE_FAILED)


def _study(folder: Path, out: Path | None, as_json: bool) -> None:
    """The page of a study, and its exit code."""
    from largesse.errors import InputError
    from largesse.report.build import build
    from largesse.results import Results
    from largesse.study import Study

    if out:
        raise InputError.one("command line", "--out", str(out), "no such option: a study's page lies beside it")
    record = Study.read(folder)
    page = build(record)
    results = Results.read(record.results_path)
    say(summary(results) | {"page": str(page)}, [*headline(results), "", str(page)], as_json)
    leave(results)


def _chosen(subject: str) -> tuple[Study | None, list[Model]]:
    """The study that is named, with its models; or the model."""
    from largesse import models
    from largesse.study import Study

    if subject in models.names() or not Path(subject).exists():
        return None, [models.get(subject, "command line")]
    study = Study.read(Path(subject))
    return study, [models.get(name, "study.toml") for name in study.models]


def _calibration(chosen: list[Model], page: Path) -> bool:
    """Write the page on calibration; whether every model has a certificate that counts and passed."""
    from largesse.dossier import calibrated
    from largesse.report.build import written
    from largesse.report.proof import good

    dossier = calibrated(chosen)
    written("calibration", {"dossier": dossier}, page)
    return good(dossier["models"])


def _priors(study: Study | None, chosen: list[Model], page: Path) -> bool:
    """Write the page on priors; whether what they imply keeps its limits."""
    from largesse.dossier import believed
    from largesse.implied import Limits
    from largesse.inputs import priors_of
    from largesse.report.build import written
    from largesse.results import Results

    sets = {m.name: priors_of(m, study) if study else m.priors() for m in chosen}
    stored = study is not None and study.results_path.is_file()
    results = Results.read(study.results_path) if study and stored else None
    dossier = believed(chosen, sets, {m.name: Limits.of(m) for m in chosen}, results)
    written("priors", {"dossier": dossier}, page)
    return not any(row["wrong"] for about in dossier["models"].values() for row in about["implied"])


@app.command(rich_help_panel=PANEL)
def compare(
    before: Annotated[Path, typer.Argument(metavar="STUDY|BEFORE", help="a study or its results.json")],
    after: Annotated[
        Path | None,
        typer.Argument(metavar="[AFTER]", help="another; unless given, a study is held against its last run"),
    ] = None,
    out: Out = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Say what changed between two runs, and by how much; which files, settings and checks differ."""
    with answering(quiet, as_json):
        from largesse.report.build import written
        from largesse.report.changes import Changes

        first, second = _pair(before, after)
        found = Changes.read(first, second)
        page = out or (second.parent if after is None else Path()) / "comparison.html"
        written("comparison", {"before": first, "after": second}, page)
        answer = {"page": str(page), "moved": found.told(), "files": found.files()}
        say(answer, [*found.lines(), "", str(page)], as_json)


def _pair(before: Path, after: Path | None) -> tuple[Path, Path]:
    """The two files of results."""
    from largesse.errors import InputError
    from largesse.study import Study

    if after is not None:
        return _results(before), _results(after)
    study = Study.read(before)
    if not study.earlier_path.is_file():
        expected = "results of an earlier run, which the next run that changes them keeps; or a second study"
        raise InputError.one(study.folder, "", "no earlier results", expected)
    return study.earlier_path, study.results_path


def _results(path: Path) -> Path:
    """Results that are named, or those of a study that is."""
    from largesse.study import Study

    return path if path.suffix == ".json" else Study.read(path).results_path


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
        f"{name:<14} {json.dumps(told, ensure_ascii=False)}" for name, told in value.items() if told not in (None, "")
    ]
