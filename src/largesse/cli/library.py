"""Commands of what can be reused: the models with their certificates, and their priors with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from largesse.cli.answering import Json, answering, app, say

PANEL = "Models and priors"


@app.command("models", rich_help_panel=PANEL)
def models_(as_json: Json = False) -> None:
    """List the models: what each answers, and whether its calibration has been certified."""
    with answering(quiet=False, as_json=as_json):
        from largesse import certificate, models

        found = {name: models.get(name) for name in models.names()}
        rows = {
            name: {
                "question": m.question,
                "certificates": [worth for _, worth in certificate.every(m.resources / "calibration")],
            }
            for name, m in found.items()
        }
        say(rows, [line for name, row in rows.items() for line in _model_lines(name, row)], as_json)


def _model_lines(name: str, row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{name:<22} {row['question']}"
    for worth in row["certificates"]:
        design = "{replicates} replicates, {districts} districts, {respondents:,} people, {items} items"
        told = f" ({design.format(**worth)})" if "design" in worth else ""
        yield f"{'':22} certificate: {worth['state']}{_renewals(worth)}{told}"


def _renewals(worth: Mapping[str, Any]) -> str:
    """How often a certificate that counts was renewed since it was proved."""
    times = 0 if worth["state"] == "stale" else worth.get("renewed", 0)
    return f", renewed {'once' if times == 1 else f'{times} times'}" if times else ""


@app.command(rich_help_panel=PANEL)
def priors(
    model: Annotated[str | None, typer.Argument(help="one model; all unless named")] = None,
    study: Annotated[
        Path | None, typer.Option(help="a study whose own entries take the place of the shipped ones")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show priors: each with what it says in words, and where it comes from."""
    with answering(quiet=False, as_json=as_json):
        from largesse import models
        from largesse.inputs import priors_of
        from largesse.study import Study

        record = Study.read(study) if study else None
        names = [model] if model else models.names()
        sets = {n: models.get(n, "command line") for n in names}
        shown = {n: priors_of(m, record) if record else m.priors() for n, m in sets.items()}
        answer = {n: {p: prior.model_dump(mode="json") for p, prior in s.entries.items()} for n, s in shown.items()}
        say(answer, [line for n, table in answer.items() for line in (n, *_prior_lines(table))], as_json)


def _prior_lines(table: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, prior in table.items():
        arguments = ", ".join(map(str, prior["arguments"].values()))
        yield f"  {name} ~ {prior['distribution']}({arguments})  [{prior['unit']}]"
        yield f"      {prior['statement']}"
        origin = filter(None, (prior["source"]["key"], prior["source"]["where"]))
        yield f"      {prior['source']['kind']}: {'; '.join(origin)}"
