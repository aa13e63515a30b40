"""Anchors: what vignettes say of the use of answers, and how much of an effect is loyalty and how much is that use.

Numbers come from `figures["vignettes"]` of the results, and from estimates.
"""

from __future__ import annotations

from typing import Final

from largesse.figures import points
from largesse.report import markdown, words
from largesse.report.belief import Parts, parts
from largesse.report.markdown import literal
from largesse.results import Results

ANCHORED: Final = Parts(
    "answered",
    "loyalty itself",
    "loyalty from the use of answers",
    {
        "belief": "mostly loyalty changes",
        "words": "mostly the use of answers changes, and loyalty does not",
        "cannot tell": "whether loyalty changes more than the use of answers, these data cannot tell",
    },
)


def said(results: Results) -> list[str]:
    """The parts of each effect on answers."""
    return parts(results, results.figures["vignettes"]["parts"], ANCHORED)


def pairs(results: Results) -> str:
    """How people put the persons of vignettes in order."""
    rows = [
        [words.capital(row["group"]), f"{literal(row['lower'])} below {literal(row['higher'])}",
         *(points(row[name]) for name in ("right", "tied", "wrong"))]
        for row in results.figures["vignettes"]["pairs"]
    ]  # fmt: skip
    caption = "How people judge the persons of two vignettes, in points of 100, without model or weights"
    header = ("People", "As they are listed", "So", "Alike", "The other way")
    return markdown.table(header, rows, caption, "vignettes", "--rrr") if rows else ""
