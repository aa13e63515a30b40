"""Words: the one place where results become sentences, by the rules that take a causal verb away.

A sentence says that a gift *does* something only where the study is reportable, the estimate is identified or rests on
an assumption that is named, and nothing was extrapolated. Otherwise it says what the fit puts a difference at, and why
that is no effect. Directions come from `results.direction`, numbers from `figures`: page and pictures cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from largesse.figures import contrasts, is_profile, outcome, points, span
from largesse.report import prior_set
from largesse.report.markdown import UNKNOWN, literal
from largesse.results import Answer, Estimate, Results, Verdict, direction

PHRASES: Final = {  # outcomes that have no wording of the study's own
    "receipt": "the chance of a gift",
    "market_any": "the chance of taking part in the market",
    "market_much": "the share of income from the market",
    "sincere": "the share of people who support sincerely",
    "said": "the share of people who say that they support",
    "belief": "what people say, as minds change,",
    "words": "what people say, whatever their minds,",
    "gap": "the gap between what people say and what they support",
    "anchored": "loyalty, all using the answers alike,",
    "answered": "loyalty as people answer",
    "style": "what the use of answers adds to loyalty",
}
SIGNS: Final[Mapping[Answer, str]] = {
    Answer.PASSED: "✓ passed",
    Answer.FLAGGED: "! flagged",
    Answer.FAILED: "✕ failed",
    Answer.NOT_RUN: "✕ not run",
    Answer.NOT_APPLICABLE: "· not applicable",
}


SCALES: Final = {  # what a point of 100 is, of each outcome
    **dict.fromkeys(
        ("loyalty", "anchored", "answered", "style"),
        "Answers lie on a scale from 0, the lowest to every question, to 100, the highest to every question",
    ),
    **dict.fromkeys(
        ("receipt", "market_any", "sincere", "said", "belief", "words", "gap"), "A point is one person in a hundred"
    ),
    "market_much": "A point is a hundredth of people's income",
}
OVERTURN: Final = "What would overturn it:"
QUIET: Final = (Answer.PASSED, Answer.NOT_APPLICABLE)


class Contrast(NamedTuple):
    """How a contrast is put: as what a cause does to whom, and as a difference that claims no cause."""

    cause: str
    whom: str
    difference: str


CONTRASTS: Final[Mapping[str, Contrast]] = {
    "direct": Contrast(
        "a gift",
        "those who receive it",
        "between those with and those without a gift",
    ),
    "spillover": Contrast(
        "giving to {high} rather than to {low} in 100 of a district",
        "those passed over",
        "among those passed over between districts of high and of low coverage",
    ),
    "total": Contrast(
        "receiving a gift where {high} in 100 do, rather than none where {low} in 100 do,",
        "recipients",
        "between receiving under high coverage and being passed over under low",
    ),
    "overall": Contrast(
        "giving to {high} rather than to {low} in 100 of a district, drawn by lottery,",
        "everyone there",
        "between districts of high and of low coverage under a lottery",
    ),
}


def named(model: str) -> str:
    """A model's name as words."""
    return literal(model.replace("_", " "))


def content(results: Results) -> str:
    """The probability content of the study's intervals, `90%`."""
    return f"{results.study['interval']:.0%}"


def count(number: int | None) -> str:
    """A count of people; None is one that is kept back, small itself or telling of a small one."""
    return UNKNOWN if number is None else f"{number:,}"


def plural(number: int, thing: str) -> str:
    """A number of things."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def stop(text: str) -> str:
    """A text from elsewhere as one inert sentence, with its full stop."""
    return literal(text.rstrip(" .")) + "." if text.strip() else ""


# Effects ----------------------------------------------------------------------------------------------------------


def causal(results: Results, e: Estimate) -> bool:
    """Whether a sentence about `e` may use a causal verb."""
    held = e.status == "identified" or (e.status == "conditional" and bool(e.reason.strip()))
    return results.reportable and held and not e.extrapolation and not results.denied(e)


def sentence(results: Results, e: Estimate) -> str:
    """One estimate as one sentence without its full stop, beginning in lower case."""
    if e.contrast in CONTRASTS:
        return _effect(results, e) if causal(results, e) else _difference(results, e)
    return f"{literal(e.label)} is put at {size(results, e)}"


def size(results: Results, e: Estimate, *, sign: int = 1) -> str:
    """The estimate in points of 100 with its interval; `sign` -1 turns a fall into its size."""
    ends = sorted((sign * e.lower, sign * e.upper))
    return f"{points(sign * e.mean)} points of 100 ({content(results)} interval {span(*ends)})"


def _effect(results: Results, e: Estimate) -> str:
    how, where = CONTRASTS[e.contrast], _where(e)
    low, high = (f"{100 * c:.0f}" for c in results.study["coverage"] or (0, 1))
    cause, what = how.cause.format(low=low, high=high), _phrase(results, e)
    match direction(e):
        case "raises":
            return f"{cause} raises {what} among {how.whom}{where} by {size(results, e)}"
        case "lowers":
            return f"{cause} lowers {what} among {how.whom}{where} by {size(results, e, sign=-1)}"
        case "hardly changes":
            within = f"with probability {e.p_negligible:.2f} by less than {points(results.study['rope'])} points"
            return f"{cause} hardly changes {what} among {how.whom}{where}: {size(results, e)}, {within}"
        case _:
            unsettled = f"the data do not settle whether {cause.rstrip(',')} raises or lowers {what} among {how.whom}"
            return f"{unsettled}{where}: {size(results, e)}"


def _difference(results: Results, e: Estimate) -> str:
    """The estimate with its causal verb taken away, and the reason."""
    gap = f"the difference in {_phrase(results, e)} {CONTRASTS[e.contrast].difference}{_where(e)}"
    if not results.reportable:
        return f"no effect is claimed, because checks failed: the fit puts {gap} at {size(results, e)}"
    if e.extrapolation:
        beyond = literal(e.extrapolation.rstrip(" ."))
        return f"no effect is claimed beyond what was observed ({beyond}): the model puts {gap} at {size(results, e)}"
    if e.status == "prior_driven":
        why = literal(e.reason.rstrip(" .")) or "they do not speak to it"
        means, ends = prior_set.bounds(results, e)
        over = "" if means == UNKNOWN else f", with means of {means} over the priors tried"
        put = f"within {ends} points of 100 ({content(results)} interval{over})"
        return f"these data cannot say ({why}): mostly by its prior, the model puts {gap} {put}"
    if denied := results.denied(e):
        failed = " and ".join(f"the check of {literal(row['check'])}" for row in denied)
        return f"no effect is claimed, because {failed} failed: the fit puts {gap} at {size(results, e)}"
    return f"no effect is claimed, because what it rests on is not named: the fit puts {gap} at {size(results, e)}"


def _phrase(results: Results, e: Estimate) -> str:
    return PHRASES.get(e.outcome) or literal(outcome(results, e.outcome))


def _where(e: Estimate) -> str:
    if not e.group:
        return ""
    return f", {literal(e.group)}," if is_profile(e) else f" in {literal(e.group)}"


# The headline -----------------------------------------------------------------------------------------------------


class Headline(NamedTuple):
    """The answer in Markdown: each part may be empty but `answer`.

    Attributes
    ----------
    warning : that the study is not reportable, and why.
    answer : the main effect as one sentence, which calls a synthetic study one.
    reading : what its numbers mean, for someone who knows no statistics.
    condition : what a conditional effect rests on.
    weights : of a weighted likelihood: that its interval is approximate, with a design-based standard error beside it.
    others : what else: those passed over, the market; nothing of a study that is not reportable.
    overturned : what would overturn the answer, where it claims something.
    """

    warning: str
    answer: str
    reading: str
    condition: str
    weights: str
    others: tuple[str, ...]
    overturned: str


def headline(results: Results) -> Headline:
    """The answer of a study."""
    first, *others = _leading(results)
    would = _clause(str(results.models.get(first.model, {}).get("would_break", "")))
    conditional = first.status == "conditional" and causal(results, first)
    return Headline(
        _unreportable(results),
        full(results, first),
        reading(results, first),
        f"This holds on one condition: {stop(_clause(first.reason))}" if conditional else "",
        _weighted(results, first),
        tuple(f"{capital(sentence(results, e))}." for e in others if results.reportable),
        f"{OVERTURN} {stop(would[:1].lower() + would[1:])}" if would and causal(results, first) else "",
    )


def reading(results: Results, e: Estimate) -> str:
    """What a point is, and what the interval of an effect means."""
    scale = f"{SCALES.get(e.outcome, 'A point is a hundredth of the whole range of answers')}."
    if not causal(results, e):
        return scale
    ends = sorted((abs(e.lower), abs(e.upper))) if e.lower * e.upper > 0 else (e.lower, e.upper)
    low, high = map(points, ends)
    between = f"a chance of {content(results)} that the effect lies between {low} and {high} points"
    return f"{scale} If the model is right, there is {between}."


def spoken(results: Results) -> list[str]:
    """The headline as plain text, for a terminal: what the page says first, without Markdown."""
    found = headline(results)
    parts = (found.warning, found.answer, found.condition, found.weights, *found.others, found.overturned)
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", part.replace("**", "")) for part in parts if part]


def _clause(text: str) -> str:
    """The first clause of a text that says more further down the page."""
    return re.split(r"[:;]|\.\s| \(", text.strip())[0]


def _weighted(results: Results, e: Estimate) -> str:
    """What weights in the likelihood cost the interval of an estimate; nothing where they were not used there."""
    flagged = next((v for v in results.verdicts if (v.gate, v.model) == ("weights", e.model)), None)
    if flagged is None or flagged.answer is not Answer.FLAGGED:
        return ""
    row = (results.figures.get("plain") or {}).get(e.key.replace(".direct", ""))
    beside = (
        f" A plain regression gives {points(row['estimate'])} points of 100 with a design-based standard"
        f" error of {points(row['se'])}."
        if row
        else ""
    )
    return f"{capital(stop(flagged.sentence))}{beside}"


def full(results: Results, e: Estimate) -> str:
    """An estimate as a sentence that can stand by itself; it calls a synthetic study one, and tells its truth."""
    if not results.study["synthetic"]:
        return f"{capital(sentence(results, e))}."
    known = "" if e.truth is None else f", where the simulated truth is {points(e.truth)}"
    return f"In this synthetic study, {sentence(results, e)}{known}."


def leading(results: Results) -> Estimate:
    """The estimate of the headline."""
    return _leading(results)[0]


def _leading(results: Results) -> list[Estimate]:
    """The main estimate first, then what happens to those passed over and in the market."""
    known = {e.key: e for e in contrasts(results)}
    order = ("loyalty.direct", "loyalty.spillover", "said.direct", "belief.direct", "words.direct", "sincere.direct",
             "anchored.direct", "answered.direct", "market_any.direct", "market_much.direct")  # fmt: skip
    found = [known[key] for key in order if key in known]
    found = found or list(known.values())[:1] or list(results.estimates)[:1]
    profiles = [e for e in known.values() if e.group and e.outcome == found[0].outcome and not e.extrapolation]
    return [*profiles[:1], *found] if found[0].extrapolation else found  # what was observed comes before what was not


def _unreportable(results: Results) -> str:
    if results.reportable:
        return ""
    if not results.failed:
        return "**Not reportable.** No check was made."
    gates = ", ".join(f"{literal(v.gate)} of {named(v.model)}" for v in results.failed)
    return f"**Not reportable.** {plural(len(results.failed), 'check')} failed or did not run: {gates}."


# Who receives -----------------------------------------------------------------------------------------------------


def receipts(results: Results) -> list[str]:
    """Who receives, in sentences; empty where the study does not model it."""
    known = {e.contrast: e for e in results.estimates if e.outcome == "receipt" and not e.group}
    said = []
    if level := known.get("level"):
        said.append(f"{points(level.mean)} of 100 people receive a gift ({_interval(results, level)}).")
    if {"top", "bottom", "selectivity"} <= set(known):
        top, bottom, gap = (known[k] for k in ("top", "bottom", "selectivity"))
        said.append("Standing is how a person's attributes count with those who hand out the gifts.")
        most, least = (f"{points(e.mean)} in 100 receive ({_interval(results, e)})" for e in (top, bottom))
        said.append(f"Of the quarter of people with most standing {most}, of the quarter with least {least}.")
        said.append(f"The two quarters are {size(results, gap)} apart.")
    if gini := known.get("gini"):
        held = f"{gini.mean:.2f} ({content(results)} interval {gini.lower:.2f} to {gini.upper:.2f})"
        said.append(f"The Gini coefficient of the chances to receive is {held}; a lottery would have 0.")
    return said


def coverage(results: Results) -> str:
    """Where coverage is known from, and how well."""
    known = results.survey["coverage"]
    if known["source"] == "administrative":
        return "It is taken from the district file."
    noise = known.get("reliability")
    how = "" if noise is None else f", a noisy stand-in for the district's own (reliability {noise:.2f})"
    return f"It is the receipt rate of the sample itself{how}."


def levels(results: Results) -> list[str]:
    """The mean of each outcome had nobody, and had everybody, a gift; as the model has it."""
    said = []
    known = {e.key: e for e in results.estimates}
    for name in dict.fromkeys(e.outcome for e in results.estimates):
        none, everybody = (known.get(f"{name}.level.{gift}") for gift in (0, 1))
        if none and everybody:
            apart = f"{points(none.mean)} of 100 ({_interval(results, none)}) without a gift of one's own"
            said.append(
                f"{capital(literal(outcome(results, name)))}, at the higher of the two coverages, as the model has it:"
                f" {apart}, "
                f"{points(everybody.mean)} ({_interval(results, everybody)}) with one."
            )
    return said


def _interval(results: Results, e: Estimate) -> str:
    return f"{content(results)} interval {span(e.lower, e.upper)}"


# Checks -----------------------------------------------------------------------------------------------------------


def checks(results: Results) -> str:
    """All verdicts in one sentence."""
    tally = {answer: sum(v.answer is answer for v in results.verdicts) for answer in Answer}
    asked = plural(len(results.verdicts) - tally[Answer.NOT_APPLICABLE], "check")
    rest = [f"{n} {answer.value}" for answer, n in tally.items() if n and answer not in QUIET]
    return f"Of {asked} that apply, {tally[Answer.PASSED]} passed, {', '.join(rest)}." if rest else f"{asked} passed."


def verdict(v: Verdict) -> str:
    """A verdict as a sentence."""
    return f"**{SIGNS[v.answer]}** ({literal(v.gate)}, {named(v.model)}): {stop(v.sentence)}"


def basis(results: Results) -> list[str]:
    """What the effects rest on: each status with its reason once, and the effects it holds for."""
    groups: dict[tuple[str, str], list[str]] = {}
    for e in contrasts(results):
        names = groups.setdefault((e.status, e.reason), [])
        names.append(e.contrast if not e.group else f"{e.contrast} {literal(e.group)}")
    words = {"identified": "identified", "conditional": "conditional", "prior_driven": "prior driven, not a finding"}
    return [
        f"**{capital(', '.join(dict.fromkeys(names)))}:** {words[status]}. {capital(stop(reason))}"
        for (status, reason), names in groups.items()
    ]


def certificates(results: Results) -> list[str]:
    """Of each model, the calibration certificate that this page stands on, or that it stands on none."""
    return [certified(name, about.get("certificate") or {"state": "none"}) for name, about in results.models.items()]


def certified(model: str, held: Mapping[str, Any]) -> str:
    """One model's certificate as a sentence: what it shows, and of which design."""
    head = f"**{capital(named(model))}:**"
    if held["state"] == "none":
        return f"{head} no certificate of calibration stands behind it."
    if held["state"] == "stale":
        return f"{head} its certificate is of an earlier model, prior or engine and does not count."
    design = (
        f"{held['replicates']:,} simulated surveys of {held['respondents']:,} people in {held['districts']} districts"
    )
    found = "lay anywhere among the draws alike" if held["state"] == "passed" else "did not lie among the draws alike"
    verdict = literal(str(held["state"]))
    what = f"truths drawn from the shipped priors {found}, for {held['quantities']} quantities"
    return " ".join(part for part in (f"{head} {verdict}. In {design}, {what}.", _noticed(held["detectable"])) if part)


def _noticed(sizes: Mapping[str, float | None]) -> str:
    """The smallest faults that a certificate would have shown; a kind that no size tried would show is left out."""
    scales = " or ".join(f"{sizes[kind]:g}" for kind in ("narrow", "wide") if sizes[kind] is not None)
    faults = [
        f"posteriors shifted by {sizes['shift']:g} of their sd" if sizes["shift"] is not None else "",
        f"an sd {scales} times the right one" if scales else "",
    ]
    said = ", or ".join(fault for fault in faults if fault)
    return (
        f"It would have shown, nine times in ten, {said}." if said else "No fault of the sizes tried would show in it."
    )


def truth(results: Results) -> str:
    """How many true values the fits of a synthetic study missed, against how many they could."""
    table: Mapping[str, Any] = results.truth or {}
    missed = len(table["outside"])
    keys = f" ({', '.join(literal(row['key']) for row in table['outside'])})" if missed else ""
    said = f"{plural(table['compared'], 'parameter')} were compared with their true values; {missed} of them outside"
    said += f" the {table['interval']:.0%} interval{keys}"
    return f"{said}; up to {table['allowed']} would be no surprise."
