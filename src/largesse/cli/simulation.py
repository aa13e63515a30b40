"""Commands on simulated data: draw a survey, prove a model calibrated, bring shards together, plan a survey."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from largesse.cli.answering import GATE_FAILED, REPORTABLE, answering, app

PANEL = "Simulated data"
RECORDS = Path(".calibration")  # replicates, below the folder one works in


@app.command(rich_help_panel=PANEL)
def simulate(
    model: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="models of the study; all unless named")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder to write to")] = Path("synthetic"),
    world: Annotated[Path | None, typer.Option(help="world.toml: who lives there and what is true")] = None,
    seed: Annotated[int | None, typer.Option(help="root seed; that of the world unless given")] = None,
    respondents: Annotated[int | None, typer.Option(help="how many are asked")] = None,
    districts: Annotated[int | None, typer.Option(help="how many districts there are")] = None,
) -> None:
    """Draw a synthetic survey with its truth beside it; what the world does not say is drawn from the priors."""
    with answering(quiet=False, as_json=False):
        from largesse import models
        from largesse.synthetic import World
        from largesse.synthetic import simulate as drawn
        from largesse.template import start, study_of

        asked = tuple(models.get(name, "command line").name for name in model or models.SHIPPED)
        given = {"seed": seed, "respondents": respondents, "districts": districts}
        base = World.read(world) if world else World()
        chosen = World.model_validate(base.model_dump() | {k: v for k, v in given.items() if v is not None})
        synthetic = drawn(chosen)
        synthetic.write(out)
        if not (out / "study.toml").exists() and world is None:
            start(out, study_of(chosen, asked))
        typer.echo(f"wrote {len(synthetic.survey):,} synthetic respondents and their truth to {out}")


@app.command(rich_help_panel=PANEL)
def calibrate(
    model: Annotated[str, typer.Argument(help="the model to calibrate")],
    replicates: Annotated[int, typer.Option(help="simulated data sets")] = 500,
    workers: Annotated[int, typer.Option(help="processes; 1 works in this one")] = 2,
    scheduler: Annotated[str | None, typer.Option(help="tcp://... of a Dask cluster, which then does the work")] = None,
    seed: Annotated[int, typer.Option(help="root seed")] = 20261124,
    world: Annotated[Path | None, typer.Option(help="world.toml with the design; 8 districts, 400 people else")] = None,
    shard: Annotated[str | None, typer.Option(help="i/n: make every n-th replicate only, and judge nothing")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for the certificate; none is written else")] = None,
) -> None:
    """Prove a model calibrated, or not: simulated truths must lie anywhere among the draws alike.

    Replicates are kept in .calibration, one file each; what was begun is gone on with.
    """
    with answering(quiet=False, as_json=False):
        from largesse import calibration, certificate, judgement
        from largesse.models import get
        from largesse.replicate import Specification
        from largesse.synthetic import World

        design = World.read(world).model_copy(update={"truth": {}, "weights": {}}) if world else World()
        spec = Specification(get(model, "command line").name, design, seed)
        records = RECORDS / calibration.folder_of(spec)
        started = time.monotonic()
        with calibration.workers(workers, scheduler) as executor:
            if shard:
                made = calibration.calibrate(spec, calibration.shard(shard, replicates), records, executor)
                typer.echo(f"{len(made)} replicates of shard {shard} are in {records}")
                return
            summary = certificate.prove(spec, replicates, RECORDS, executor)
        if out:
            certificate.certify(spec, summary, calibration.gathered(records, range(replicates)), out)
        typer.echo("\n".join(judgement.lines(summary)))
        typer.echo(f"in {(time.monotonic() - started) / 60:.1f} minutes")
        raise typer.Exit(REPORTABLE if summary["verdict"] == "passed" else GATE_FAILED)


@app.command(rich_help_panel=PANEL)
def merge(
    shards: Annotated[list[Path], typer.Argument(metavar="SHARD...", help="folders of replicates, one per machine")],
    into: Annotated[Path, typer.Option(help="the folder that brings them together; it may hold some already")],
) -> None:
    """Bring the replicates of several machines together; those of another model, design, seed or engine are refused.

    `largesse calibrate` then judges the whole, when they are in its own folder under .calibration.
    """
    with answering(quiet=False, as_json=False):
        from largesse.calibration import merge as merged

        typer.echo(f"{merged(shards, into)} replicates added to {into}")
