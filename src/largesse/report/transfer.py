"""What was borrowed, in words: from where, whether it holds here, and the effects with nothing, half and all of it.

Numbers come from `figures["borrowed"]` and `figures["alternatives"]` of the results.
"""

from __future__ import annotations

from typing import Any, Final

from largesse.report import alternatives, markdown, words
from largesse.report.markdown import literal
from largesse.results import Results

DOUBTED: Final = 0.25  # a block that held before the data with even chances, and holds after with less, is in conflict


def said(results: Results) -> list[str]:
    """Where it comes from and on which terms, and what it says that these data deny."""
    told = results.figures.get("borrowed") or {}
    return [sentence for name, each in told.items() for sentence in _said(name, each)]


def _said(name: str, told: dict[str, Any]) -> list[str]:
    origin, doubted = told["origin"], [literal(b["name"]) for b in told["blocks"] if b["holds"] < DOUBTED < b["weight"]]
    power = "" if told["power"] == 1 else f", which counts as {told['power']:.0%} of itself"
    people = f"{words.plural(origin['respondents'], 'respondent')} in {words.plural(origin['districts'], 'district')}"
    lent = f"{words.capital(words.named(name))} borrows from the study {literal(origin['study'])} ({people}){power}"
    denied = f"These data deny it of {', '.join(doubted)}, where the model's own priors count instead."
    return [
        f"{lent}: {literal(origin['statement'])} (lent by {literal(origin['by'])}, {origin['date']}).",
        denied if doubted else "These data deny none of it.",
    ]


def blocks(results: Results) -> str:
    """The chance that each block holds, before the data and after; empty where nothing is borrowed."""
    told = results.figures.get("borrowed") or {}
    rows = [
        [words.capital(words.named(name)), literal(b["name"]), f"{b['respondents']:,}",
         f"{b['weight']:.0%}", f"{b['holds']:.0%}"]
        for name, each in told.items()
        for b in each["blocks"]
    ]  # fmt: skip
    header = ("Model", "What is borrowed", "Worth, respondents", "Holds, before", "Holds, after")
    caption = "What another study learnt: how many of its respondents each part is worth, and the chance that it holds"
    caption += " here, before these data and after them"
    return markdown.table(header, rows, caption, "borrowed", "--rrr") if rows else ""


def shares(results: Results) -> str:
    """The effects with nothing borrowed, with even chances, and with all of it."""
    return alternatives.borrowed(results)
