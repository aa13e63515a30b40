"""Commands on simulated data: draw a survey, prove a model calibrated, clone its data, plan a survey."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from largesse.cli.answering import GATE_FAILED, REPORTABLE, answering, app

if TYPE_CHECKING:
    import pandas as pd

    from largesse.synthetic import World

PANEL = "Simulated data"
Workers = Annotated[int, typer.Option(help="processes; 1 works in this one")]
Scheduler = Annotated[str | None, typer.Option(help="tcp://... of a Dask cluster, which then does the work")]
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

        given = {"seed": seed, "respondents": respondents, "districts": districts}
        base = World.read(world) if world else World()
        chosen = World.model_validate(base.model_dump() | {k: v for k, v in given.items() if v is not None})
        asked = tuple(models.get(name, "command line").name for name in model or chosen.models)
        synthetic = drawn(chosen)
        synthetic.write(out)
        if not (out / "study.toml").exists() and world is None:
            start(out, study_of(chosen, asked))
        typer.echo(f"wrote {len(synthetic.survey):,} synthetic respondents and their truth to {out}")


@app.command(rich_help_panel=PANEL)
def calibrate(
    subject: Annotated[str, typer.Argument(metavar="MODEL|STUDY", help="a model, or a study: each of its models")],
    replicates: Annotated[int, typer.Option(help="simulated data sets")] = 500,
    workers: Workers = 2,
    scheduler: Scheduler = None,
    seed: Annotated[int, typer.Option(help="root seed")] = 20261124,
    world: Annotated[Path | None, typer.Option(help="world.toml with the design; 8 districts, 400 people else")] = None,
    here: Annotated[bool, typer.Option("--here", help="near the study's own data: truths from its stored fit")] = False,
    shard: Annotated[str | None, typer.Option(help="i/n: make every n-th replicate only, and judge nothing")] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="replay a model's stale certificate under today's code, and prove nothing")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="folder for a model's certificate, none is written else; the one to --renew")
    ] = None,
) -> None:
    """Prove a model calibrated, or not: simulated truths must lie anywhere among the draws alike.

    A study is calibrated under its own priors and at its own size. Replicates are kept, one file each, in .calibration
    (with --here in the study's _private folder); what was begun is gone on with.

    With --renew nothing is judged: all data of a stored certificate are drawn again and 20 of its replicates are fitted
    again, with its own seed. If every digit is the same, the certificate holds for today's code; if not, it stays
    stale. It is the model's own of the usual design, that of the design in --world, or the one in --out.
    """
    with answering(quiet=False, as_json=False):
        from largesse import calibration, judgement
        from largesse.certificate import certify

        if renew:
            folder = _certificate(subject, world, out, {"--here": here, "--shard": bool(shard)})
            with calibration.workers(workers, scheduler) as executor:
                _renew(folder, executor)
            return
        verdicts = []
        with calibration.workers(workers, scheduler) as executor:
            for chosen, kept in _subjects(subject, world, seed, here):
                started, records = time.monotonic(), kept / calibration.folder_of(chosen)
                if shard:
                    made = calibration.calibrate(chosen, calibration.shard(shard, replicates), records, executor)
                    typer.echo(f"{len(made)} replicates of shard {shard} are in {records}")
                    continue
                summary = _judged(chosen, replicates, kept, executor)
                verdicts.append(summary["verdict"])
                if out:
                    certify(chosen, summary, calibration.gathered(records, range(replicates)), out)
                    _draw(summary, out)
                typer.echo("\n".join([chosen.model, *judgement.lines(summary)]))
                typer.echo(f"in {(time.monotonic() - started) / 60:.1f} minutes\n")
        raise typer.Exit(REPORTABLE if all(v == "passed" for v in verdicts) else GATE_FAILED)


def _subjects(subject: str, world: Path | None, seed: int, here: bool) -> Iterator[tuple[Any, Path]]:
    """What is calibrated, and the folder that keeps its replicates."""
    from largesse import models
    from largesse.errors import InputError
    from largesse.proposal import proposed
    from largesse.replicate import Specification
    from largesse.study import Study
    from largesse.synthetic import World
    from largesse.vicinity import Vicinity

    if subject in models.names() or not Path(subject).exists():
        if here:
            raise InputError.one("command line", "--here", subject, "a study, whose data there are")
        model = models.get(subject, "command line")
        name, usual = model.name, model.resources / "calibration" / "world.toml"
        design = World.read(world or usual) if world or usual.is_file() else World()
        yield Specification(name, _untold(design), seed), RECORDS
        return
    study = Study.read(Path(subject))
    if here:
        yield from ((Vicinity.of(study, name, seed), study.private / "calibration") for name in study.models)
        return
    proposal = proposed(study)
    for name in proposal.models:
        yield Specification(name, _untold(proposal.world), seed, proposal.overrides.get(name, {})), RECORDS


def _certificate(subject: str, world: Path | None, out: Path | None, useless: Mapping[str, bool]) -> Path:
    """The folder of the certificate to renew; options that say nothing of it are refused."""
    from largesse import certificate, models
    from largesse.errors import InputError
    from largesse.synthetic import World

    if asked := [option for option, given in useless.items() if given]:
        raise InputError.one("command line", "--renew", f"{asked[0]} beside it", "a model's certificate, whole")
    if out and world:
        raise InputError.one("command line", "--renew", "--out and --world", "one of them: which certificate it is")
    model = models.get(subject, "command line")
    folder = out or model.resources / "calibration"
    if world:
        design = _untold(World.read(world))
        held = [path for path, worth in certificate.every(folder) if worth["state"] != "none"]
        folder = next((path for path in held if certificate.specified(path).world == design), world)
    try:
        found = certificate.specified(folder).model
    except (FileNotFoundError, NotADirectoryError):
        raise InputError.one(folder, "", "no certificate", f"one of {model.name}, with specification.json") from None
    if found != model.name:
        raise InputError.one(folder, "specification.json", found, model.name)
    return folder


def _renew(folder: Path, executor: Executor | None) -> None:
    from largesse.renewal import renew

    started, about = time.monotonic(), renew(folder, executor=executor)
    if about is None:
        typer.echo(f"{folder} is current: nothing to renew")
        return
    typer.echo(f"{folder} is renewed: {about['data']} data sets and {about['fits']} fits are the same, digit for digit")
    typer.echo(f"in {(time.monotonic() - started) / 60:.1f} minutes\n")


def _untold(world: World) -> World:
    """The design of a world, without the truth it states and the weights it gives."""
    return world.model_copy(update={"truth": {}, "weights": {}})


def _judged(subject: Any, replicates: int, kept: Path, executor: Executor | None) -> dict[str, Any]:
    """A summary; what is red is confirmed at a new seed, except near a study's data, where draws are used up."""
    from largesse import calibration, certificate, judgement
    from largesse.replicate import Specification

    if isinstance(subject, Specification):
        return certificate.prove(subject, replicates, kept, executor)
    records = kept / calibration.folder_of(subject)
    return judgement.summarised(calibration.calibrate(subject, range(replicates), records, executor))


def _draw(summary: Mapping[str, Any], folder: Path) -> None:
    """The pictures of a certificate, beside it."""
    from largesse.certificate import KINDS, read_places
    from largesse.figures.calibration import contraction, ranks
    from largesse.store import atomic

    pictures = {
        "ranks": ranks(read_places(folder / KINDS["place"]), summary, read_places(folder / KINDS["prior"])),
        "contraction": contraction(summary),
    }
    for name, picture in pictures.items():
        with atomic(folder / f"{name}.svg") as part:
            part.write_bytes(picture.svg())


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


@app.command(rich_help_panel=PANEL)
def identify(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a model, in the designs of its folder")],
    world: Annotated[Path | None, typer.Option(help="world.toml of another design")] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for what is found, one file a design; what is current there stays")
    ] = None,
) -> None:
    """Say which parameters more of the same data would settle, against what a model declares (data cloning)."""
    with answering(quiet=False, as_json=False):
        from largesse import identification, models
        from largesse.synthetic import World

        chosen, good = models.get(model, "command line"), True
        worlds = {world.stem: World.read(world)} if world else identification.designs(chosen.resources)
        for name, design in worlds.items():
            path = out / f"{name}.json" if out else None
            found = identification.stored(chosen, design, path) or identification.identify_in(chosen, design)
            if path:
                found.save(path)
            typer.echo("\n".join([f"{model}, {name}", *identification.lines(found), ""]))
            good &= found.settled and not found.disagreeing
        raise typer.Exit(REPORTABLE if good else GATE_FAILED)


@app.command(rich_help_panel=PANEL)
def plan(
    study: Annotated[Path, typer.Argument(metavar="STUDY|WORLD", help="a study that serves as a pilot, or world.toml")],
    vary: Annotated[list[str], typer.Option(help="districts=12,24 or respondents (per district), items, waves")],
    model: Annotated[list[str] | None, typer.Option(help="models to plan for; all of the study unless given")] = None,
    replicates: Annotated[int, typer.Option(help="simulated surveys of each size")] = 100,
    workers: Workers = 2,
    scheduler: Scheduler = None,
    interval: Annotated[float | None, typer.Option(help="content of intervals; the study's unless given")] = None,
    rope: Annotated[float | None, typer.Option(help="half width of what is negligible; the study's, or .03")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for plan.csv and plan.svg; none are written else")] = None,
) -> None:
    """Say what surveys of other sizes would find: width, bias, coverage, and how often they settle the question."""
    with answering(quiet=False, as_json=False):
        from largesse import calibration, planning
        from largesse.proposal import parse_vary, proposed

        sizes = parse_vary(vary)
        proposal = proposed(study, tuple(model or ()), interval=interval, rope=rope)
        with calibration.workers(workers, scheduler) as executor:
            frame = planning.plan(proposal, sizes, replicates, RECORDS, executor)
        typer.echo("\n".join(planning.lines(frame)))
        if out:
            _write_plan(frame, out)


def _write_plan(frame: pd.DataFrame, folder: Path) -> None:
    from largesse.figures.plan import chances
    from largesse.store import atomic

    with atomic(folder / "plan.csv") as part:
        frame.to_csv(part, index=False, lineterminator="\n")
    with atomic(folder / "plan.svg") as part:
        part.write_bytes(chances(frame).svg())
    typer.echo(f"wrote plan.csv and plan.svg to {folder}")
