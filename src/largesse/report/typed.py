"""Typed results: numbers in the prose of a page that no result stands behind.

A number that somebody typed stays as it is when the results change. So prose takes numbers from results, by
`{python} ...`, and whatever else looks like one is an error. Years, dates, ordinals, places in a text (`Section 2`),
names (`COVID-19`) and the numbers of lists and headings are no results; any other that is none is marked `[7]{.given}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MONTHS: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
PLACES: Final = (
    "Section|Chapter|Part|Appendix|Figure|Table|Equation|Footnote|Step|Question|Wave|Round|Volume|Article|page"
)
SPOKEN: Final = re.compile(r'\b(?:title|fig-alt)="([^"]*)"')  # attributes that are prose
SILENT: Final = re.compile(  # what is no result
    "|".join(
        (
            r"`[^`]*`",  # code, and numbers from results
            r"\$[^$]+\$",
            r"\[[^\]]*\]\{\.given\}",
            r"\]\([^)]*\)",  # where a link leads
            r"\{[^}]*\}",  # labels and attributes
            r"<[^>\s]+>|https?://\S+|\bdoi:\S+",
            r"\[\^[^\]]+\]:?|-?@[\w:.#$%&+?<>~/-]+",  # footnotes and citations
            r"^\s*(?:\d+|\w)[.)]\s|^#{1,6}\s+(?:\d+[.)]|\d+(?:\.\d+)+[.)]?)\s",  # of a list, of a heading
            r"\b\d{4}-\d\d-\d\d\b",
            rf"\b\d{{1,2}}\.? (?:{MONTHS})\b\.?(?: \d{{4}})?|\b(?:{MONTHS})\.? \d{{1,2}}(?:, \d{{4}})?\b",
            r"(?<![\w.,-])(?:1[5-9]|20)\d\d(?:[-–/]\d\d(?:\d\d)?)?s?\b(?!\s?%|[.,]\d)",
            rf"\b(?:{PLACES})s?\.?[ \u00a0]\d+(?:\.\d+)*(?:(?:[-–]|, | and )\d+(?:\.\d+)*)*\b(?!\s?%)",
            r"§+\s*\d+(?:\.\d+)*|\b(?:pp?|nos?)\. ?\d+(?:[-–]\d+)?\b(?![.,]\d)",
            r"\b\d+(?:st|nd|rd|th)\b",
            r"\b[^\W\d_]+[-–]?\d+\b",  # a name that ends in a number
        )
    ),
    re.IGNORECASE,
)
NUMBER: Final = re.compile(r"[-+\N{MINUS SIGN}]?(?:\d+(?:[.,]\d+)*|\.\d+)\s?%?")


def typed(text: str) -> Iterator[tuple[int, str]]:
    """The numbers in Markdown that look like results, each with the line that it stands in, from 0."""
    whole = re.sub(r"\$\$.*?\$\$", lambda found: re.sub(r"[^\n]", " ", found[0]), text, flags=re.DOTALL)
    for n, line in enumerate(whole.split("\n")):
        for words in (line, *SPOKEN.findall(line)):
            bare = SILENT.sub(lambda found: " " * len(found[0]), words)
            yield from ((n, match[0].strip()) for match in NUMBER.finditer(bare))
