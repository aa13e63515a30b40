"""Commands of what can be reused: the models with their certificates, and their priors with their sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from largesse.cli.answering import GATE_FAILED, Headed, Json, answering, app, say

PANEL = "Models and priors"
SHOW = "show"


class Shown(Headed):
    """A group whose first command is meant where none is named: `largesse priors joint` shows the priors of joint."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command where it is left out."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [SHOW, *args])


priors_app = typer.Typer(cls=Shown, help="Show priors, or make some for another study from what a study learnt.")
app.add_typer(priors_app, name="priors", rich_help_panel=PANEL)


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


@priors_app.command(SHOW)
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
        lent = {n: s.lender for n, s in shown.items() if s.lender}
        lines = [
            line
            for n, table in answer.items()
            for line in (
                n,
                *(_lender_lines(lent[n].model_dump(mode="json")) if n in lent else ()),
                *_prior_lines(table),
            )
        ]
        say(answer | {f"{n}, borrowed": b.model_dump(mode="json") for n, b in lent.items()}, lines, as_json)


@priors_app.command("check")
def check_(
    model: Annotated[str | None, typer.Argument(help="one model; all unless named")] = None,
    as_json: Json = False,
) -> None:
    """Hold what priors imply, in shares of people and points of effects, against the limits that they declare."""
    with answering(quiet=False, as_json=as_json):
        from largesse import models
        from largesse.implied import Limits, implied

        sets = {n: models.get(n, "command line") for n in ([model] if model else models.names())}
        found = {n: implied(m, m.priors(), Limits.of(m)) for n, m in sets.items()}
        rows = {n: [{**row.limit.model_dump(), **_ends(row), "wrong": row.wrong} for row in each] for n, each in
                found.items()}  # fmt: skip
        say(rows, [line for n, each in found.items() for line in (n, *map(_implied_line, each))], as_json)
        if any(row.wrong for each in found.values() for row in each):
            raise typer.Exit(GATE_FAILED)


def _ends(row: Any) -> dict[str, float]:
    return {name: round(getattr(row, name), 3) for name in ("lower", "median", "upper")}


def _implied_line(row: Any) -> str:
    ends = _ends(row)
    told = f"{ends['lower']:7.2f} {ends['median']:7.2f} {ends['upper']:7.2f}"
    return f"  {row.limit.quantity:<24} {told}  {row.wrong or 'within its limits'}"


@priors_app.command("elicit")
def elicit_(
    model: Annotated[str, typer.Argument(help="whose prior it is to be")],
    parameter: Annotated[str, typer.Argument(help="of what")],
    between: Annotated[tuple[float, float], typer.Option(help="the ends of what somebody is sure of")],
    by: Annotated[str, typer.Option(help="who is sure")],
    where: Annotated[str, typer.Option(help="the argument, or where it was said")],
    sure: Annotated[float, typer.Option(help="how sure, of 1")] = 0.95,
    on: Annotated[str, typer.Option(help="`unit` of the parameter, or `points` of people from one half")] = "unit",
    distribution: Annotated[str, typer.Option(help="by which it is told; the usual one unless named")] = "",
    key: Annotated[str, typer.Option(help="an entry of references.bib")] = "",
    as_json: Json = False,
) -> None:
    """Make a prior of "95 % sure that it lies between a and b", as an entry of study.toml, and tell what it implies."""
    with answering(quiet=False, as_json=as_json):
        from datetime import UTC, datetime

        from largesse import elicitation, models
        from largesse.implied import Limits, implied

        found, today = models.get(model, "command line"), datetime.now(tz=UTC).date()
        said = elicitation.Statement.said(
            between=between, on=on, sure=sure, distribution=distribution, by=by, on_date=today, where=where, key=key
        )
        parameters, own = {p.name: p for p in found.parameters}, found.priors()
        elicited = elicitation.elicit(parameters, own, parameter, said)
        rows = implied(found, replace(own, entries={**own.entries, parameter: elicited.prior}), Limits.of(found))
        answer = {
            "entry": elicited.prior.model_dump(mode="json"),
            "mass": elicited.mass,
            "implied": [{"quantity": row.limit.quantity, **_ends(row), "wrong": row.wrong} for row in rows],
        }
        told = ["# With it, the priors imply (95 %):", *(f"# {_implied_line(row)}" for row in rows)]
        say(answer, [*elicited.toml().splitlines(), "", *told], as_json)


@priors_app.command("from-fit")
def from_fit(
    sources: Annotated[
        list[Path], typer.Argument(metavar="FIT_OR_STUDY...", help="studies that were fitted, or fits of them")
    ],
    out: Annotated[Path, typer.Option(help="the file to write, which another study may borrow")],
    by: Annotated[str, typer.Option(help="who lends it")],
    model: Annotated[str | None, typer.Option(help="of a study of several models, which")] = None,
    weight: Annotated[float, typer.Option(help="chance that a block holds in the next study")] = 0.5,
    power: Annotated[float, typer.Option(help="the share of itself that a past study counts as")] = 1.0,
    heterogeneity: Annotated[
        float, typer.Option(help="of several studies: how far they may differ, in sds of the model's own prior")
    ] = 0.5,
    statement: Annotated[str, typer.Option(help="what it says, in words")] = "",
    as_json: Json = False,
) -> None:
    """Make a file of what a study learnt, or several, with correlations and provenance, that another may borrow."""
    with answering(quiet=False, as_json=as_json):
        from datetime import UTC, datetime

        from largesse import lending, meta_analysis
        from largesse.errors import InputError

        if out.exists():
            raise InputError.one(out, "", "a file that is there already", "a new name")
        stored = [_stored(source, model) for source in sources]
        _, explained, inputs = stored[0]
        past = [meta_analysis.Past(fit, of) for fit, _, of in stored]
        told = (
            statement or f"what {' and '.join(p.inputs.study.name for p in past)} learnt of people and offices at large"
        )
        today = datetime.now(tz=UTC).date()
        terms = lending.Terms.asked(by=by, date=today, statement=told, weight=weight, power=power)
        if len(past) == 1:
            borrowed = lending.lend(past[0].fit, explained, inputs, terms)
        else:
            borrowed = meta_analysis.pool(past, explained, terms, heterogeneity)
        rows = lending.worth(borrowed, explained, inputs.priors[explained.name], inputs.cells[explained.name])
        borrowed.write(out)
        total = lending.whole(rows, borrowed)
        blocks = [{**vars(row), **_differing(borrowed, row.block)} for row in rows]
        answer = {
            "file": str(out),
            "fingerprint": borrowed.fingerprint,
            "respondents": total,
            "blocks": blocks,
            "left": [left.model_dump() for left in borrowed.left],
        }
        lines = [f"  {row['block']:<40} {_worth_line(row)}" for row in blocks]
        lines += [f"  {left.name:<40} stays: {left.reason}" for left in borrowed.left]
        head = (
            f"{out}: worth {total:,.0f} of {borrowed.origin.respondents:,} respondents, in a study of as many districts"
        )
        say(answer, [head, *lines], as_json)


def _differing(borrowed: Any, block: str) -> dict[str, float]:
    """How far several studies differ in a block, and how much of what they learnt counts for that; nothing of one."""
    found = borrowed.heterogeneity.get(block)
    return {} if found is None else {"tau": found.tau, "agreed": found.agreed}


def _worth_line(row: Mapping[str, Any]) -> str:
    told = f"{row['respondents']:>7,.0f} respondents; {row['learnt']:.0%} from answers"
    return f"{told}; differing by {row['tau']:.2f} prior sds, {row['agreed']:.0%} counts" if "tau" in row else told


def _stored(source: Path, name: str | None) -> tuple[Any, Any, Any]:
    """A study's stored fit, with its model and what it was made from."""
    from largesse.errors import InputError
    from largesse.fits import Fit
    from largesse.inputs import gather
    from largesse.seals import hold
    from largesse.study import Study
    from largesse.workflow import Workflow

    file = source if source.suffix == ".nc" else None
    inputs = gather(Study.read(source.parent.parent if file else source))
    paths = Workflow(inputs).fit_paths
    name = name or (Fit.load(file).model if file else next(iter(paths)) if len(paths) == 1 else None)
    if name not in paths:
        raise InputError.one("command line", "--model", repr(name), f"one of {', '.join(paths)}")
    if file and file.resolve() != paths[name].resolve():
        raise InputError.one(file, "", "a fit that its study as it is now would not make", str(paths[name].name))
    if not paths[name].is_file():
        raise InputError.one(source, f"the fit of {name}", "none stored", f"one: largesse fit {inputs.study.folder}")
    return Fit.load(hold(paths[name])), next(m for m in inputs.models if m.name == name), inputs


def _lender_lines(lender: Mapping[str, Any]) -> Iterator[str]:
    """What a study borrows, from where, and on which terms."""
    origin = lender["origin"]
    yield f"  borrowed from {origin['study']}: {origin['statement']}"
    yield f"      {origin['respondents']:,} respondents, {origin['districts']} districts; fit {origin['fit']}"
    yield f"      by {origin['by']}, {origin['date']}; counts as {lender['power']:g} of itself"
    for block, weight in lender["weights"].items():
        yield f"      {block}: holds with chance {weight:g}"


def _prior_lines(table: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, prior in table.items():
        arguments = ", ".join(map(str, prior["arguments"].values()))
        yield f"  {name} ~ {prior['distribution']}({arguments})  [{prior['unit']}]"
        yield f"      {prior['statement']}"
        origin = filter(None, (prior["source"]["key"], prior["source"]["where"]))
        yield f"      {prior['source']['kind']}: {'; '.join(origin)}"
