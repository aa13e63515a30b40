"""The command line: parse, call, exit code. Heavy imports stand inside commands, so that help comes at once."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from largesse.results import Results, Verdict

RECORDS = Path(".calibration")  # replicates of calibrations, below the folder one works in
REPORTABLE, GATE_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="largesse",
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


def main() -> None:
    """Run the command line; the entry point of the installed program."""
    app()


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the study's folder; made where it is not there")],
) -> None:
    """Start a study from a commented template."""
    from largesse.template import start

    with _answering(quiet=False, as_json=False):
        for path in start(folder):
            typer.echo(f"wrote {path}")
        typer.echo(
            f"Now put the survey there, say in study.toml which column is what, and run: largesse check {folder}"
        )


@app.command()
def check(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """List everything that is wrong with a study, all at once, without sampling."""
    with _answering(quiet, as_json):
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
        _say(answer, lines, as_json)


@app.command()
def run(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Check, fit, diagnose, estimate and report; only what is missing."""
    with _answering(quiet, as_json):
        from largesse.study import Study
        from largesse.workflow import Workflow
        from largesse.workflow import check as checked

        record = Study.read(study)
        steps = Workflow(checked(record))
        results = steps.results()
        page = steps.page()
        answer = _summary(results) | {"page": str(page), "results": str(record.results_path), "reused": steps.reused}
        _say(answer, [*_headline(results), "", str(page)], as_json)
        _leave(results)


@app.command()
def fit(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Draw from the posterior of every model of a study."""
    with _answering(quiet, as_json):
        steps = _steps(study)
        fits = steps.fits()
        answer = {name: {"path": str(steps.fit_paths[name]), "fingerprint": f.fingerprint} for name, f in fits.items()}
        _say(answer, [f"{f!r}" for f in fits.values()], as_json)


@app.command()
def diagnose(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Ask every gate of every fit."""
    with _answering(quiet, as_json):
        from dataclasses import asdict

        steps = _steps(study)
        audits = steps.audits(steps.fits())
        verdicts = [v for a in audits.values() for v in a.verdicts]
        _say([asdict(v) for v in verdicts], [str(v) for v in verdicts], as_json)
        raise typer.Exit(GATE_FAILED if _failed(verdicts) else REPORTABLE)


@app.command()
def estimate(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Write results.json: every number a page may print."""
    with _answering(quiet, as_json):
        from dataclasses import asdict

        results = _steps(study).results()
        shown = [e for e in results.estimates if not e.group or ".at." in e.key]
        lines = [
            f"{e.key:<26} {100 * e.mean:7.1f}  ({100 * e.lower:.1f} to {100 * e.upper:.1f})  {e.status}" for e in shown
        ]
        _say(
            [asdict(e) for e in results.estimates], [*lines, "", "points of 100, with equal-tailed intervals"], as_json
        )
        _leave(results)


@app.command()
def report(study: Folder, quiet: Quiet = False, as_json: Json = False) -> None:
    """Render the page from the stored results; neither survey nor sampler is touched."""
    with _answering(quiet, as_json):
        from largesse.report.build import build
        from largesse.results import Results
        from largesse.study import Study

        record = Study.read(study)
        page = build(record)
        results = Results.read(record.results_path)
        _say(_summary(results) | {"page": str(page)}, [*_headline(results), "", str(page)], as_json)
        _leave(results)


@app.command()
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
    with _answering(quiet=False, as_json=False):
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


@app.command()
def calibrate(
    model: Annotated[str, typer.Argument(help="the model to calibrate")],
    replicates: Annotated[int, typer.Option(help="simulated data sets")] = 500,
    workers: Annotated[int, typer.Option(help="processes; 1 works in this one")] = 2,
    seed: Annotated[int, typer.Option(help="root seed")] = 20261124,
    world: Annotated[Path | None, typer.Option(help="world.toml with the design; 8 districts, 400 people else")] = None,
    shard: Annotated[str | None, typer.Option(help="i/n: make every n-th replicate only, and judge nothing")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for the certificate; none is written else")] = None,
) -> None:
    """Prove a model calibrated, or not: simulated truths must lie anywhere among the draws alike.

    Replicates are kept in .calibration, one file each; what was begun is gone on with.
    """
    with _answering(quiet=False, as_json=False):
        from largesse import calibration
        from largesse.models import get
        from largesse.replicate import Specification
        from largesse.synthetic import World

        spec = Specification(get(model, "command line").name, World.read(world) if world else World(), seed)
        with calibration.processes(workers) as executor:
            if shard:
                numbers = calibration.shard(shard, replicates)
                made = calibration.calibrate(spec, numbers, RECORDS / calibration.folder_of(spec), executor)
                typer.echo(f"{len(made)} replicates of shard {shard} are in {RECORDS / calibration.folder_of(spec)}")
                return
            summary = calibration.prove(spec, replicates, RECORDS, executor)
        if out:
            calibration.certify(spec, summary, out)
        typer.echo("\n".join(calibration.lines(summary)))
        raise typer.Exit(REPORTABLE if summary["verdict"] == "passed" else GATE_FAILED)


@app.command("models")
def models_(as_json: Json = False) -> None:
    """List the models: what each answers, and whether its calibration has been certified."""
    with _answering(quiet=False, as_json=as_json):
        from largesse import calibration, models

        found = [models.get(name) for name in models.names()]
        states = {m.name: str(calibration.certificate(m.resources / "calibration")["state"]) for m in found}
        rows = {m.name: {"question": m.question, "certificate": states[m.name]} for m in found}
        _say(
            rows,
            [f"{name:<22} {row['question']}\n{'':22} certificate: {row['certificate']}" for name, row in rows.items()],
            as_json,
        )


@app.command()
def priors(
    model: Annotated[str | None, typer.Argument(help="one model; all unless named")] = None,
    study: Annotated[
        Path | None, typer.Option(help="a study whose own entries take the place of the shipped ones")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show priors: each with what it says in words, and where it comes from."""
    with _answering(quiet=False, as_json=as_json):
        from largesse import models
        from largesse.inputs import priors_of
        from largesse.study import Study

        record = Study.read(study) if study else None
        names = [model] if model else models.names()
        sets = {n: models.get(n, "command line") for n in names}
        shown = {n: priors_of(m, record) if record else m.priors() for n, m in sets.items()}
        answer = {n: {p: prior.model_dump(mode="json") for p, prior in s.entries.items()} for n, s in shown.items()}
        _say(answer, [line for n, table in answer.items() for line in (n, *_prior_lines(table))], as_json)


def _prior_lines(table: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, prior in table.items():
        arguments = ", ".join(map(str, prior["arguments"].values()))
        yield f"  {name} ~ {prior['distribution']}({arguments})  [{prior['unit']}]"
        yield f"      {prior['statement']}"
        origin = filter(None, (prior["source"]["key"], prior["source"]["where"]))
        yield f"      {prior['source']['kind']}: {'; '.join(origin)}"


# --- what the commands share -----------------------------------------------------------------------------------


@contextmanager
def _answering(quiet: bool, as_json: bool) -> Iterator[None]:
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


def _say(answer: Any, lines: Sequence[str], as_json: bool) -> None:
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=1) if as_json else "\n".join(lines))


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
