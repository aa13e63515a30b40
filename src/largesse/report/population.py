"""The population in words: effects of groups of people, and what weights and an uncertain frame cost.

Numbers come from `figures["population"]` of the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from largesse.figures import estimated, outcome, span
from largesse.report import markdown, words
from largesse.report.markdown import UNKNOWN, literal
from largesse.results import Results

WORTH: Final = 1.005  # a design effect from which weights cost what a reader would see
COLUMNS: Final = ("loyalty.direct", "loyalty.spillover", "market_any.direct", "market_much.direct")


def _models(results: Results) -> list[Mapping[str, Any]]:
    told = results.figures.get("population") or {}
    return [about for name, about in told.items() if name in results.models]


def said(results: Results) -> list[str]:
    """How the effects of groups are to be read: which covariates have a term that lets an effect differ."""
    rows = [row for about in _models(results) for row in about["groups"]]
    if not rows:
        return ["No group of people is large enough to be shown by itself."]
    varies = list(dict.fromkeys(words.named(row["by"]) for row in rows if row["varies"]))
    term = f"A term of its own lets the effect differ by {' and by '.join(varies)}" if varies else ""
    rest = "by how far their answers can still move, and by the districts their people live in"
    first = (
        f"{term}; otherwise groups differ {rest}." if term else f"Groups differ {rest}: no term lets effects differ."
    )
    return [first, "A difference between groups is no effect of belonging to one."]


def table(results: Results) -> str:
    """The effects of each group, the models side by side; empty where no group is shown."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for about in _models(results):
        for row in about["groups"]:
            rows.setdefault((row["by"], row["level"]), {}).update(row["effects"])
    names = [name for name in COLUMNS if any(name in effects for effects in rows.values())]
    told = [[_group(by, level), *(_effect(effects.get(n)) for n in names)] for (by, level), effects in rows.items()]
    header = ("People", *(words.capital(_named(results, name)) for name in names))
    caption = f"Effects by group, in points of 100, with {words.content(results)} intervals"
    return markdown.table(header, told, caption, "groups", "-" + "r" * len(names)) if told else ""


def _group(by: str, level: str) -> str:
    return f"{words.capital(words.named(by))}: {literal(level)}"


def _named(results: Results, name: str) -> str:
    what, _, contrast = name.partition(".")
    return f"{literal(outcome(results, what))}: {literal(contrast)}"


def _effect(effect: Mapping[str, float] | None) -> str:
    return UNKNOWN if effect is None else estimated(effect["mean"], effect["lower"], effect["upper"])


def worth(results: Results) -> list[str]:
    """What the weights leave of the sample, and the intervals had the population been drawn anew."""
    told = results.figures.get("population") or {}
    if told.get("design", 1.0) < WORTH:
        return _uncertain(results)
    size = f"{told['effective']:,.0f} equal respondents (design effect {told['design']:.2f})"
    return [f"The weights make the sample worth {size}.", *_uncertain(results)]


def _uncertain(results: Results) -> list[str]:
    """The interval of the direct effects over populations drawn by what the sample says of them."""
    drawn = {name: effect for about in _models(results) for name, effect in about["uncertain"].items()}
    shown = [name for name in COLUMNS if name in drawn and name.endswith(".direct")]
    if not shown:
        return []
    each = [f"{_named(results, name)} {span(drawn[name]['lower'], drawn[name]['upper'])}" for name in shown]
    over = f"over mixes drawn as it knows them (Dirichlet), {words.content(results)} intervals are: {', '.join(each)}"
    return [f"The mix of people in each district is itself known from the sample; {over}."]
