"""The report's source: a strict, portable subset of Quarto, split into blocks that know their line numbers.

What this subset leaves out is an error and never a surprise: the same file must read the same under `quarto` and under
the renderer of this package.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from largesse.errors import InputError, Problem
from largesse.report.typed import typed

FRONT = (
    *("title", "subtitle", "author", "date", "abstract", "lang", "bibliography", "csl", "format", "execute", "jupyter"),
    *("number-sections", "toc", "engine", "categories", "keywords", "description"),
)
TEXT, TRUTH = r"(?s).+", "true|false"
OPTIONS = {
    "label": r"[A-Za-z][\w-]*",
    "echo": TRUTH,
    "output": "true|false|asis",
    "include": TRUTH,
    "warning": TRUTH,
    "code-fold": TRUTH,
    "fig-cap": TEXT,
    "fig-alt": TEXT,
    "tbl-cap": TEXT,
    "tags": r"\[ *parameters *\]",
}
DEFAULTS = {"echo": "true", "output": "true", "include": "true", "warning": "true", "code-fold": "false"}
SPOKEN = ("title", "subtitle", "abstract", "description")  # front matter that is prose
CAPTIONS = ("fig-cap", "fig-alt", "tbl-cap")  # options that are prose
NEEDS = {"fig": ("fig-cap", "fig-alt"), "tbl": ("tbl-cap",)}  # a label's kind, and the options it calls for

FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$")
INLINE = re.compile(r"`\{python\} ([^`\n]+)`")
LABEL = re.compile(r"\{#((?:fig|tbl|eq|sec)-[\w-]+)")
CALLOUTS = "note|tip|important|warning|caution"
RULES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"\{\{<.*"), "a shortcode", "no shortcode"),
    (re.compile(r"!\[[^\]]*\]\(\s*<?(?:https?:)?//[^)]*"), "an image from the network", "a file beside the report"),
    (re.compile(r"\{=\w+\}"), "a raw block", "Markdown"),
    (re.compile(rf"\.callout-(?!(?:{CALLOUTS})\b)[\w-]*"), "an unknown callout", CALLOUTS.replace("|", ", ")),
    (re.compile(r"(?<=[{ ])\.(?:panel-(?!tabset\b)|column|content-|layout)[\w-]*"), "a div outside the subset",
     "a callout, .panel-tabset, or a class of the page"),
    (re.compile(r"^:::.*\blayout[\w-]*="), "a layout", "a .figure-grid"),
)  # fmt: skip
HTML = re.compile(r"<(?:/?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>|!--|\?)")


class Flaw(NamedTuple):
    """Something outside the subset, at a line."""

    line: int
    found: str
    expected: str


class Piece(NamedTuple):
    """Markdown with the line of the source that it comes from; an output has the line of its cell throughout."""

    line: int
    text: str
    output: bool = False


@dataclass(frozen=True)
class Block:
    """Consecutive lines of one kind; `line` is that of the first."""

    kind: Literal["text", "verbatim", "cell"]
    line: int
    lines: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The lines as one string."""
        return "\n".join(self.lines)

    def on(self, option: str) -> bool:
        """Whether a true-or-false option is true."""
        return self.options[option] == "true"


@dataclass(frozen=True)
class Source:
    """A report's source, found to be within the subset."""

    path: Path
    front: str
    blocks: tuple[Block, ...]


def read(path: Path) -> Source:
    """Read and lint a `.qmd`.

    Errors
    ------
    InputError
        with the line number of everything that is outside the subset.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
        raise InputError.one(path, "", "no such text file", "a .qmd in UTF-8") from None
    flaws: list[Flaw] = []
    front, start = _front(lines, flaws)
    defaults = DEFAULTS | _execute(front, flaws)
    blocks = tuple(_cell(b, defaults, flaws) if b.kind == "cell" else b for b in _split(lines, start, flaws))
    flaws += [flaw for block in blocks for flaw in _lint(block)]
    flaws += _twice(blocks)
    refuse(path, flaws)
    return Source(path, "\n".join(front), blocks)


def refuse(path: Path, flaws: Iterable[Flaw]) -> None:
    """Raise every flaw there is, in the order of the lines."""
    if problems := [Problem(str(path), f"line {f.line}", f.found, f.expected) for f in sorted(set(flaws))]:
        raise InputError(problems)


def prose(text: str) -> str:
    """Markdown with code spans and mathematics blanked, line by line."""
    return re.sub(r"(`+)(?:.+?)\1|\$[^$\n]+\$", lambda m: " " * len(m[0]), text)


def lint(text: str, line: int, *, step: int = 1, html: bool = True) -> Iterator[Flaw]:
    """What is outside the subset in Markdown that begins at `line`; `step` 0 keeps to that line."""
    rules = (*RULES, (HTML, "raw HTML", "Markdown, or \\< for the sign")) if html else RULES
    for n, words in enumerate(prose(text).splitlines()):
        for pattern, found, expected in rules:
            if match := pattern.search(words):
                yield Flaw(line + step * n, f"{found}, '{match[0][:60]}'", expected)


def _front(lines: Sequence[str], flaws: list[Flaw]) -> tuple[Sequence[str], int]:
    """The front matter's lines and the index of the first line after it."""
    if not lines or lines[0].rstrip() != "---" or "---" not in (rest := [x.rstrip() for x in lines[1:]]):
        flaws.append(Flaw(1, "no front matter", "a block between '---' lines with a title"))
        return [], 0
    front = lines[1 : (end := 1 + rest.index("---"))]
    keys = {m[1]: n for n, line in enumerate(front, 2) if (m := re.match(r"([^\s:#-][^:]*):", line))}
    flaws += [Flaw(n, f"front matter '{key}'", ", ".join(FRONT)) for key, n in keys.items() if key not in FRONT]
    if "title" not in keys:
        flaws.append(Flaw(1, "no title", "a title in the front matter"))
    for n, line in enumerate(front, 2):
        flaws += lint(line, n)
        if re.match(rf"(?:{'|'.join(SPOKEN)}): *(?![|>]-?\s*$)|\s", line):
            flaws += [_typed(n, number) for _, number in typed(line)]
        if INLINE.search(line) or re.match(r"date: *['\"]?(today|now|last-modified)", line):
            flaws.append(Flaw(n, f"'{line}'", "a fixed value: front matter is not computed"))
    return front, end + 1


def _execute(front: Sequence[str], flaws: list[Flaw]) -> dict[str, str]:
    """The defaults under `execute:`."""
    found: dict[str, str] = {}
    inside = False
    for n, line in enumerate(front, 2):
        if inside and (match := re.match(r"\s+([\w-]+): *(\S+)\s*$", line)):
            key, value = match[1], match[2]
            if key not in DEFAULTS or not re.fullmatch(OPTIONS[key], value):
                flaws.append(Flaw(n, f"execute option '{key}: {value}'", ", ".join(DEFAULTS)))
            else:
                found[key] = value
        elif not line[:1].isspace():
            inside = line.rstrip() == "execute:"
    return found


def _split(lines: Sequence[str], at: int, flaws: list[Flaw]) -> Iterator[Block]:
    text = at
    while at < len(lines):
        if not (fence := FENCE.match(lines[at])):
            at += 1
            continue
        close = re.compile(rf"\s*{fence[2][0]}{{{len(fence[2])},}}\s*$")
        end = next((n for n in range(at + 1, len(lines)) if close.match(lines[n])), len(lines))
        if end == len(lines):
            flaws.append(Flaw(at + 1, "a fence that is not closed", f"a line '{fence[2]}'"))
        if text < at:
            yield Block("text", text + 1, tuple(lines[text:at]))
        flaws += _fenced(fence, at + 1, lines[at + 1 : end])
        if fence[3].startswith("{python"):
            yield Block("cell", at + 2, tuple(lines[at + 1 : end]))
        else:
            yield Block("verbatim", at + 1, tuple(lines[at : end + 1]))
        text = at = end + 1
    if text < len(lines):
        yield Block("text", text + 1, tuple(lines[text:]))


def _fenced(fence: re.Match[str], line: int, inside: Sequence[str]) -> Iterator[Flaw]:
    """Headers of fences that this renderer and Quarto would read differently."""
    indent, marks, header = fence.groups()
    if header.startswith("{python"):
        if indent or marks != "```" or header != "{python}":
            yield Flaw(
                line, f"'{fence[0].rstrip()}'", "'```{python}' at the start of the line, options below it on '#|'"
            )
    elif match := re.match(r"\{+(=?\w+)", header):
        yield Flaw(line, f"a block of '{match[1]}'", "{python}, or {.class} for code that is only shown")
    for n, words in enumerate(inside, line + 1):
        if re.match(r"\s*(`{3,}|~{3,})\s*\{+python", words):
            yield Flaw(n, "a cell inside another fence", "cells at the top level: Quarto would run this one")


def _cell(block: Block, defaults: Mapping[str, str], flaws: list[Flaw]) -> Block:
    """The cell with its options read and checked."""
    options: dict[str, str] = {}
    found: dict[str, tuple[int, str]] = {}
    key = ""
    head = next((n for n, x in enumerate(block.lines) if not x.startswith("#|")), len(block.lines))
    for n, line in enumerate(block.lines[:head], block.line):
        if match := re.match(r"#\| ([\w-]+): *(.*?)\s*$", line):
            key = match[1]
            found[key] = (n, match[2])
        elif key and re.match(r"#\| {2,}\S", line):  # a value that goes on
            found[key] = (found[key][0], f"{found[key][1]} {line[2:].strip()}")
        else:
            flaws.append(Flaw(n, f"'{line}'", "'#| option: value'"))
    for key, (n, raw) in found.items():
        options[key] = value = _scalar(raw)
        if key not in OPTIONS or not re.fullmatch(OPTIONS[key], value):
            expected = _expected(key)
            flaws.append(Flaw(n, f"cell option '{key}: {raw}'", expected))
        if key in CAPTIONS:
            flaws += [_typed(n, number) for _, number in typed(value)]
    return Block("cell", block.line, block.lines, {**defaults, **options})


def _expected(key: str) -> str:
    if key not in OPTIONS:
        return ", ".join(OPTIONS)
    return "a text, quoted where YAML needs it" if OPTIONS[key] == TEXT else OPTIONS[key]


def _scalar(raw: str) -> str:
    """A YAML scalar of the portable kind; empty where YAML itself might read something else."""
    raw = re.sub(r"^[|>]-? ", "", raw)
    if raw.startswith('"'):
        try:
            return str(json.loads(raw))
        except json.JSONDecodeError:
            return ""
    if raw.startswith("'"):
        return raw[1:-1].replace("''", "'") if re.fullmatch(r"'(?:[^']|'')*'", raw) else ""
    if re.fullmatch(OPTIONS["tags"], raw):
        return raw
    return "" if re.search(r"^[\[\]{}&*!%@`,|>?-]|: | #|:$", raw) else raw


def _lint(block: Block) -> Iterator[Flaw]:
    if block.kind == "text":
        yield from lint(block.code, block.line)
        yield from (_typed(block.line + n, number) for n, number in typed(block.code))
        for n, words in enumerate(block.lines, block.line):
            yield from _inline(words, n)
    elif block.kind == "cell":
        yield from _code(block)


def _typed(line: int, number: str) -> Flaw:
    return Flaw(
        line, f"the number {number!r} in prose", f"`{{python}} ...`, or [{number}]{{.given}} if it is no result"
    )


def _inline(words: str, line: int) -> Iterator[Flaw]:
    for match in re.finditer(r"`\{(\w+)\}([^`]*)`?", words):
        if not (fine := INLINE.fullmatch(match[0])):
            yield Flaw(line, f"'{match[0]}'", "`{python} expression`")
            continue
        try:
            ast.parse(fine[1].strip(), mode="eval")
        except SyntaxError as error:
            yield Flaw(line, f"'{match[0]}' ({error.msg})", "one Python expression")


def _code(block: Block) -> Iterator[Flaw]:
    try:
        ast.parse(block.code)
    except SyntaxError as error:
        n = block.line + (error.lineno or 1) - 1
        yield Flaw(n, f"a cell that is not Python ({error.msg})", "Python without magics, and no ``` inside a string")
    body = next((n for n, x in enumerate(block.lines) if not x.startswith("#|")), len(block.lines))
    for n, line in enumerate(block.lines[body:], block.line + body):
        if line.startswith("#|"):
            yield Flaw(n, f"'{line}' after code", "options before the first line of code")
    kind = block.options.get("label", "").partition("-")[0]
    for option in NEEDS.get(kind, ()):
        if option not in block.options:
            yield Flaw(block.line, f"label '{block.options['label']}' without {option}", f"'#| {option}: ...'")


def _twice(blocks: Iterable[Block]) -> Iterator[Flaw]:
    """Labels that were given before."""
    seen: Counter[str] = Counter()
    for block in blocks:
        lines = [block.options.get("label", "")] if block.kind == "cell" else block.lines
        for n, words in enumerate(lines, block.line):
            labels = [words] if block.kind == "cell" else LABEL.findall(prose(words)) * (block.kind == "text")
            for label in filter(None, labels):
                seen[label] += 1
                if seen[label] > 1:
                    yield Flaw(n, f"label '{label}' for the second time", "labels that are unique")
