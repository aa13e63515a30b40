"""Markdown that says exactly what it is given: text, mathematics, tables, figures and code.

Whatever comes from a survey (a district's name, an answer) passes through :func:`literal`: nobody's words are markup.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

UNKNOWN = "–"  # in the place of a number that there is not
SYNTHETIC = "SYNTHETIC DATA, NO FINDING ABOUT ANY COUNTRY"  # across the top of a page
TURNS = "[\u202a-\u202e\u2066-\u2069]"  # embeddings, overrides and isolates of direction
LEFTWARD = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"  # Hebrew, Arabic and their neighbours
WIDEST = 36  # characters of a column that count when the columns share the width of a page


@dataclass(frozen=True)
class Markdown:
    """Markdown as the value of a cell: shown as what it says, under Quarto and here."""

    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def literal(value: str) -> str:
    """Text as Markdown that shows exactly that text; numbers stay bare, so that they may stand in mathematics.

    Text that runs from right to left is isolated, and signs that turn the direction of what follows are left out: the
    words and numbers beside it keep their order.
    """
    line = re.sub(TURNS, "", " ".join(value.split()))
    if re.fullmatch(r"-?\d+(?:[.,]\d+)*", line):
        return line
    shown = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", line)
    return f"\N{FIRST STRONG ISOLATE}{shown}\N{POP DIRECTIONAL ISOLATE}" if re.search(LEFTWARD, line) else shown


def traced(text: str, pointer: str) -> str:
    """Markdown that carries the place in `results.json` that its numbers come from, for programs to read."""
    return f'[{text}]{{data-from="{pointer}"}}'


def blocks(*parts: str) -> Markdown:
    """Paragraphs, tables and divs below one another; empty ones are left out."""
    return Markdown("\n\n".join(part for part in parts if part))


def listed(items: Iterable[str]) -> str:
    """A list with a point for each item."""
    return "\n".join(f"- {item}" for item in items)


def math(symbol: str) -> str:
    """LaTeX as inline mathematics; what cannot stand there is shown as it is."""
    plain = " ".join(symbol.replace("|", r"\vert ").split())
    return f"${plain}$" if plain and not re.search(r"[$`]", plain) else literal(symbol)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str, label: str, right: str = "") -> str:
    """A pipe table of cells that are Markdown already; `right` has an `r` for each column of numbers, else a `-`."""
    lines = [header, *rows]
    widths = [max(3, *(min(len(row[c]), WIDEST) for row in lines)) for c in range(len(header))]
    numeric = right.ljust(len(header), "-")[: len(header)]
    rule = ["-" * (w - 1) + (":" if side == "r" else "-") for w, side in zip(widths, numeric, strict=True)]
    text = "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *lines[1:]))
    return f"{text}\n\n: {caption} {{#tbl-{label}}}"


def number(value: float | None) -> str:
    """A number to two decimals, with a true minus."""
    return UNKNOWN if value is None else f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def tabs(parts: Iterable[str]) -> Markdown:
    """A tab for each part, which begins with its heading; nothing of none."""
    shown = list(parts)
    return blocks("::::::::: {.panel-tabset}", *shown, ":::::::::") if shown else Markdown("")


def figure(svg: bytes, alt: str, caption: str, label: str) -> str:
    """A figure with its caption, its label and the words for those who do not see it."""
    words = re.sub(r"[^\w ,.:;%()]", lambda sign: f"&#{ord(sign[0])};", " ".join(alt.split()))  # no sign is markup
    image = f'![](data:image/svg+xml;base64,{b64encode(svg).decode()}){{fig-alt="{words}"}}'
    return f"::::: {{#fig-{label}}}\n{image}\n\n{caption}\n:::::"


def code(text: str) -> str:
    """Text as a block of code, whatever it contains."""
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{marks} {{.text}}\n{text.rstrip()}\n{marks}"


def div(kind: str, *parts: str, title: str = "", collapse: bool = False, pointer: str = "") -> str:
    """A div of a class of the page, or a callout with its title; `pointer` as in :func:`traced`."""
    named = f' title="{escape(title)}"' if title else ""
    named += f' data-from="{pointer}"' if pointer else ""
    folded = ' collapse="true"' if collapse else ""
    body = "\n\n".join(part for part in parts if part)
    return f":::::::: {{.{kind}{named}{folded}}}\n{body}\n::::::::"
