"""Belief and words: what questions on support say by themselves, and what a gift changes, minds or only words.

Numbers come from `figures["support"]` of the results, and from estimates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from largesse.figures import estimated, points, span
from largesse.report import markdown, words
from largesse.report.markdown import UNKNOWN
from largesse.results import Results

NAMES: Final = {
    "list_count": "List: difference in means (se)",
    "direct": "Asked directly: yes (se)",
    "randomised": "Randomised question (se)",
}
WHAT: Final = {
    "direct": "a gift does to what those who receive it say",
    "spillover": "more coverage does to what those passed over say",
    "total": "a gift under high coverage does to what people say, against none under low",
}
SHARE: Final = ("lower", "median", "upper")


class Parts(NamedTuple):
    """How the parts of an effect on answers are put.

    Attributes
    ----------
    whole : the outcome that is seen; `minds` : its part of minds; `apart` : the two, in a sentence.
    mostly : verdict -> how it is put.
    """

    whole: str
    minds: str
    apart: str
    mostly: Mapping[str, str]


SUPPORT: Final = Parts(
    "said",
    "belief",
    "belief from words",
    {
        "belief": "mostly minds change",
        "words": "mostly words change, and minds do not",
        "cannot tell": "whether minds change more than words, these data cannot tell",
    },
)


def said(results: Results) -> list[str]:
    """What the questions can tell, the parts of each effect on what is said, and whether the list held."""
    told = results.figures["support"]
    if told["asked"] == ["direct"]:
        return _bounds(results)
    return [*parts(results, told["parts"], SUPPORT), *_list(told), *_placebo(told)]


def _bounds(results: Results) -> list[str]:
    """Of a direct question alone: what follows for sincere support."""
    level = next((e for e in results.estimates if e.key == "said.level.0"), None)
    if level is None:
        return ["People were asked directly alone."]
    held = f"{words.content(results)} interval {span(level.lower, level.upper)}"
    least = f"at least {points(level.lower)} in 100, if nobody says yes against their mind"
    return [
        f"People were asked directly and in no other way: {points(level.mean)} in 100 without a gift say yes ({held}).",
        f"How many support sincerely is not told: {least}; anything from 0 to 100, if some do.",
    ]


def parts(results: Results, told: Mapping[str, Mapping[str, Any]], put: Parts) -> list[str]:
    """How much of each effect on answers is of minds; nothing of a study that may not be reported."""
    return [_part(results, name, part, put) for name, part in told.items() if results.reportable]


def _part(results: Results, name: str, part: Mapping[str, Any], told: Parts) -> str:
    whole = next(e for e in results.estimates if e.key == f"{told.whole}.{name}")
    put = f"Of what {WHAT[name]} ({estimated(whole.mean, whole.lower, whole.upper)} points of 100)"
    if "share" not in part:
        return f"{put} these data cannot tell {told.apart}: it is not clear that it exceeds 3 points."
    share = part["share"]
    lower, median, upper = (f"{100 * share[key]:.0f}%".replace("-", "\N{MINUS SIGN}") for key in SHARE)
    held = f"{told.minds} makes {median} ({words.content(results)} interval {lower} to {upper})"
    return f"{put} {held}: {told.mostly[part['mostly']]}."


def _list(told: Mapping[str, Any]) -> list[str]:
    """Whether the counts of a list are such as its design gives."""
    if "held" not in told:
        return []
    held = told["held"]
    against = f"p = {held['p']:.3f}; {held['cautious']:.3f} with every share at nought; the odds of a design that held "
    against += f"are {held['bayes']:.2g} times what they were before the data"
    if not told["negative"]:
        return [f"No type of people comes out with a negative share ({against})."]
    return [
        f"Some type of people comes out with a negative share, which none can have ({against}).",
        "The model of types has no such share, so its prevalence need not be the difference in means.",
    ]


def _placebo(told: Mapping[str, Any]) -> list[str]:
    """What a placebo list loses, and what the list would tell with that made good."""
    if "placebo" not in told:
        return []
    found, good = told["placebo"], told["placebo"]["made_good"]
    count, se = "fewer" if found["lost"] > 0 else "more", f"se {points(found['se'])}, p = {found['p']:.3f}"
    would = f"would be {points(good['mean'])} (se {points(good['se'])})"
    return [
        f"Of a placebo list people count {points(abs(found['lost']))} points of 100 {count} than they should ({se}).",
        f"Did the list of support lose as much, its difference in means with that made good {would}.",
    ]


def questions(results: Results) -> str:
    """What each question says by itself, beside the model."""
    told = results.figures["support"]
    asked = [role for role in NAMES if role in told["asked"]]
    rows = [[words.capital(g["group"]), *(_question(g.get(role)) for role in asked)] for g in told["groups"]]
    found = [g["list_count"]["detectable"] for g in told["groups"][:1] if "list_count" in g]
    power = f"; by arms of this size a prevalence of {points(found[0])} is found four times in five" if found else ""
    caption = f"Support by each question alone, in points of 100, without model or weights{power}"
    header = ("People", *(NAMES[role] for role in asked))
    return markdown.table(header, rows, caption, "questions", "-" + "r" * len(asked))


def _question(found: Mapping[str, Any] | None) -> str:
    if not found:
        return UNKNOWN
    return points(found["mean"]) if found["se"] is None else f"{points(found['mean'])} ({points(found['se'])})"


def types(results: Results) -> str:
    """The table of types of a list experiment."""
    told = results.figures["support"]
    if "types" not in told:
        return ""
    columns = zip(*told["types"]["share"], *told["types"]["se"], strict=True)
    rows = [[str(y), f"{points(a)} ({points(c)})", f"{points(b)} ({points(d)})"] for y, (a, b, c, d) in
            enumerate(columns)]  # fmt: skip
    header = ("Control items that apply", "Supporting (se)", "Not supporting (se)")
    caption = "People by type, in points of 100, from the counts of both lists"
    return markdown.table(header, rows, caption, "types", "-rr")
