"""Tables of a study's page, as Markdown: every number of the results that a reader may want to look up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from largesse.figures import models, outcome, points
from largesse.origins import held
from largesse.report import prior_set, words
from largesse.report.markdown import UNKNOWN, literal, math, table, traced
from largesse.results import Estimate, Results

GIFTS: Final = {"0": ", nobody's own gift", "1": ", everybody's own gift"}


def label(model: str) -> str:
    """A model's name within the label of a figure or table."""
    return model.replace("_", "-")


def items(results: Results) -> str:
    """The questions and the order of their answers; empty where there is no item."""
    rows = [[words.named(i["label"]), literal(" < ".join(map(str, i["levels"])))] for i in results.survey["items"]]
    header, caption = ("Item", "Answers, from least to most"), "Items, and how their answers are ordered"
    return table(header, rows, caption, "items") if rows else ""


def dropped(results: Results) -> str:
    """The answers that did not enter."""
    header = ("Column", "Role", "Reason", "Answers")
    rows = [[literal(d.column), literal(d.role), literal(d.reason), words.count(d.count)] for d in results.dropped]
    if not rows:
        return "No answer was dropped."
    kept_back = f" ({UNKNOWN}: kept back, for it would tell of few people)"
    caption = f"What was dropped, and why{kept_back if any(d.count is None for d in results.dropped) else ''}"
    return table(header, rows, caption, "dropped", "---r")


def priors(results: Results, model: str, cited: frozenset[str]) -> str:
    """The priors of a model with their words and sources; `cited` are the keys that the bibliography knows."""
    first = {row["parameter"]: row for row in reversed(results.models[model]["parameters"])}
    rows = []
    for row in reversed(first.values()):
        prior = row["prior"]
        where = f"{source(prior, cited)}: {literal(prior['where'])}"
        held = (
            f"{distribution(prior)}, where what is borrowed does not hold" if row["borrowed"] else distribution(prior)
        )
        rows.append([math(row["symbol"]), literal(row["meaning"]), held, literal(prior["statement"]), where])
    header = ("Symbol", "What it is", "Prior", "In words", "Where from")
    return table(header, rows, f"Priors of {words.named(model)}", f"priors-{label(model)}")


def source(prior: Mapping[str, Any], cited: frozenset[str]) -> str:
    """The kind of a prior's source, with its citation."""
    kind, key = literal(prior["kind"]), prior.get("key") or ""
    return f"{kind} [@{key}]" if key in cited else f"{kind} {literal(key)}".rstrip()


def distribution(prior: Mapping[str, Any]) -> str:
    """A prior as people write it: the distribution with its arguments."""
    arguments = (
        f"{a:g}".replace("-", "\N{MINUS SIGN}") if isinstance(a, int | float) else words.named(str(a))
        for a in prior["arguments"].values()
    )
    return f"{literal(prior['distribution'])}({', '.join(arguments)})"


def checks(results: Results) -> str:
    """Every verdict."""
    header = ("Answer", "Check", "Model", "In words")
    rows = (
        [words.SIGNS[v.answer], literal(v.gate), words.named(v.model), literal(v.sentence)] for v in results.verdicts
    )
    return table(header, rows, "All checks", "checks")


def estimates(results: Results, shown: Iterable[Estimate], caption: str, mark: str) -> str:
    """Estimates with interval, probabilities and status, and the truth of a synthetic study; `mark` is the label."""
    synthetic = results.study["synthetic"]
    interval = f"{words.content(results)} interval"
    header = ["Outcome", "Contrast", "Mean", interval, "P(\\>0)", "P(small)", "Status", *["Truth"] * synthetic]
    small = f"small is within {points(results.study['rope'])} of nought"
    at = {e.key: f"/estimates/{n}" for n, e in enumerate(results.estimates)}
    rows = (_estimate(results, e, at[e.key])[: len(header)] for e in shown)
    return table(header, rows, f"{caption}, in points of 100; {small}", mark, "--rrrr-r")


def _estimate(results: Results, e: Estimate, at: str) -> list[str]:
    if e.contrast == "gini":  # a coefficient from 0 to 1, no share of an outcome
        mean, lower, upper, truth = (UNKNOWN if x is None else f"{x:.2f}" for x in (e.mean, e.lower, e.upper, e.truth))
        ends = f"{lower} to {upper}"
    else:
        mean, ends = prior_set.bounds(results, e)
        truth = UNKNOWN if e.truth is None else points(e.truth)
    shares = [f"{e.p_positive:.2f}", f"{e.p_negligible:.2f}"]
    named = [literal(outcome(results, e.outcome)), traced(_contrast(e), at)]
    return [*named, mean, ends, *shares, e.status.replace("_", " "), truth]


def _contrast(e: Estimate) -> str:
    """A contrast as a reader knows it: a level says with which gift, an extrapolation that it is one."""
    gift = GIFTS.get(e.key.split(".")[2], "") if e.key.startswith(f"{e.outcome}.level.") else ""
    beyond = " (extrapolated)" if e.extrapolation else ""
    return literal(f"{e.contrast}{gift}{', ' if e.group else ''}{e.group}{beyond}")


def plain(results: Results) -> str:
    """Direct effects beside those of a plain regression; empty where there is none."""
    known = {e.key: e for e in results.estimates}
    rows = []
    for name, row in (results.figures.get("plain") or {}).items():
        outcome_, _, profile = name.partition(".")  # `loyalty`, or `loyalty.at.cutoff` of one profile
        e = known.get(f"{outcome_}.direct.{profile}".rstrip("."))
        ours = f"{points(e.mean)} ({points(e.sd)})" if e else UNKNOWN
        theirs = f"{points(row['estimate'])} ({points(row['se'])})"
        rows.append([literal(row["label"]), ours, theirs, words.count(row["respondents"]), literal(row["words"])])
    header = ("Outcome", "Model (sd)", "Regression (s.e.)", "Respondents", "How")
    caption = "Direct effect beside a plain weighted regression with a design-based standard error, in points of 100"
    return table(header, rows, caption, "plain", "-rrr-") if rows else ""


def left_out(results: Results) -> str:
    """The terms that each model lost, by reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for term in results.dropped_terms:
        groups.setdefault((term.model, term.why), []).append(term.term)
    rows = [[words.named(model), literal(", ".join(terms)), literal(why)] for (model, why), terms in groups.items()]
    caption = "Terms left out, because this design cannot inform them"
    return table(("Model", "Terms", "Why"), rows, caption, "left-out") if rows else "No term was left out."


def parameters(results: Results, model: str) -> str:
    """Every parameter of a model with its prior and what the chains say of it."""
    interval = f"{words.content(results)} interval"
    header = ("Parameter", "Mean", "sd", interval, "Prior sd", "R-hat", "ESS", "Status")
    every = results.models[model]["parameters"]
    rows = (_parameter(row, f"/models/{model}/parameters/{n}") for n, row in enumerate(every))
    caption = f"Parameters of {words.named(model)}, on the scale of the model"
    return table(header, rows, caption, f"parameters-{label(model)}", "-rrrrrr-")


def _parameter(row: Mapping[str, Any], at: str) -> list[str]:
    digits = {"mean": 2, "sd": 2, "lower": 2, "upper": 2, "prior_sd": 2, "rhat": 3, "ess": 0}
    said = {name: UNKNOWN if row[name] is None else f"{row[name]:.{d}f}" for name, d in digits.items()}
    ends = f"{said['lower']} to {said['upper']}"
    checked = [said["prior_sd"], said["rhat"], said["ess"], row["status"].replace("_", " ")]
    return [traced(literal(row["key"]), at), said["mean"], said["sd"], ends, *checked]


def artefacts(results: Results, digest: str) -> str:
    """The files behind the page; `digest` is that of the results themselves, empty where they are no file."""
    files = [("results.json", digest)] if digest else []
    rows = [[literal(name), f"`{literal(sha)}`"] for name, sha in (*files, *sorted(results.artefacts.items()))]
    return table(("File", "SHA-256"), rows, "What this page was made from", "files") if rows else ""


def origins(results: Results) -> str:
    """What stands where in results, as what, worked out by which module from which kind of file."""
    rows = [[literal(row.place), literal(row.how), literal(row.by), ", ".join(row.files)] for row in held(results)]
    header = ("Place", "What stands there", "Worked out by", "From")
    return table(header, rows, "Where the numbers of results.json come from", "origins")


def fingerprints(results: Results) -> str:
    """The fingerprint of each model's fit, in words."""
    return ", ".join(f"{words.named(name)} `{literal(m['fingerprint'])}`" for name, m in models(results).items())
