"""Sharing: what of a study may leave the desk, as one file that lists what is in it and is opened again to be proved.

A survey, its cells, a fit, an audit are of types of their own, and none of them has a way to become `Shared`: a bundle
holds a page, the results behind it, the page's source and the study's record without paths, and nothing else. Every
rule is asked of the bundle as it lies on the disk; one that is broken leaves no bundle.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any, Final
from zipfile import BadZipFile, ZipFile, ZipInfo

import tomli_w

from largesse.errors import InputError, Problem
from largesse.results import SMALLEST, Results
from largesse.store import atomic
from largesse.study import Study, read_toml

MANIFEST: Final = "manifest.json"
PAGE, RESULTS, SOURCE, RECORD = "report.html", "results.json", "report.qmd", "study.toml"
CONTENTS: Final = (PAGE, RESULTS, SOURCE, RECORD)
EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same study gives the same bytes
FETCHES: Final = re.compile(
    r"<script|\bon\w+\s*=\s*[\"']|<(?:img|link|iframe|source)\b[^>]*?(?:src|href)=[\"']?https?:"
)
ABSOLUTE: Final = re.compile(r"(?:^|[\s\"'=(])(?:/(?:home|root|Users|mnt|work|tmp)/|[A-Za-z]:\\\\?(?:Users|home))")

Opened = Mapping[str, bytes]


@dataclass(frozen=True)
class Shared:
    """A file that may leave the desk, by its name in the bundle."""

    name: str
    content: bytes


def share(study: Study, out: Path) -> dict[str, str]:
    """Put what may be shared of a study into one file, and prove it.

    Parameters
    ----------
    out : the bundle, a zip file; written whole or not at all.

    Returns
    -------
    Name of each file in it -> SHA-256.

    Errors
    ------
    InputError
        when there are no results or no page yet, or a rule is broken: names file, place, what is wrong and what may be.
    """
    with atomic(out) as part:
        pack(contents(study), part)
        return proved(part)


def contents(study: Study) -> tuple[Shared, ...]:
    """The files of a study that may be shared: its page, results, source, and its record without paths."""
    Results.read(study.results_path)
    found = {PAGE: study.page_path, RESULTS: study.results_path, SOURCE: study.path(study.report.source)}
    if absent := [path for path in found.values() if not path.is_file()]:
        raise InputError(Problem(str(path), "", "no such file", "what `largesse run` writes") for path in absent)
    files = [Shared(name, path.read_bytes()) for name, path in found.items()]
    return (*files, Shared(RECORD, tomli_w.dumps(_placeless(read_toml(study.folder / RECORD))).encode()))


def _placeless(table: Any) -> Any:
    """A study's record in which every path is the name of its file."""
    if isinstance(table, dict):
        return {key: _placeless(value) for key, value in table.items()}
    if isinstance(table, str) and re.fullmatch(r"\S*[/\\]\S*\.\w+", table):
        return PurePath(table.replace("\\", "/")).name
    return table


def pack(files: Sequence[Shared], out: Path) -> None:
    """Write files and their digests into one zip file, the same bytes of the same files."""
    listed = json.dumps({f.name: _digest(f.content) for f in files}, indent=1, sort_keys=True).encode()
    with ZipFile(out, "w") as bundle:
        for each in (*files, Shared(MANIFEST, listed)):
            bundle.writestr(ZipInfo(each.name, EPOCH), each.content)


def proved(path: Path) -> dict[str, str]:
    """Open a bundle and ask every rule of what is in it.

    Returns
    -------
    Name of each file in it -> SHA-256.

    Errors
    ------
    InputError
        with everything that is wrong.
    """
    try:
        with ZipFile(path) as bundle:
            opened = {name: bundle.read(name) for name in bundle.namelist()}
    except (BadZipFile, OSError) as error:
        raise InputError.one(path, "", f"a file that cannot be opened ({error})", "a bundle of `share`") from None
    if problems := [problem for rule in RULES for problem in rule(opened)]:
        raise InputError(problems)
    return {name: _digest(content) for name, content in opened.items() if name != MANIFEST}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Rules ------------------------------------------------------------------------------------------------------------


def _listed(opened: Opened) -> Iterator[Problem]:
    """The bundle holds what it may hold, and each file is the one that the manifest lists."""
    for name in sorted({*opened} - {*CONTENTS, MANIFEST}):
        yield Problem(name, "", "a file that may not be shared", f"only {', '.join(CONTENTS)}")
    for name in (n for n in (*CONTENTS, MANIFEST) if n not in opened):
        yield Problem(name, "", "no such file in the bundle", "every file of a bundle")
    listed = json.loads(opened.get(MANIFEST, b"{}"))
    for name in (n for n in opened if n != MANIFEST and listed.get(n) != _digest(opened[n])):
        yield Problem(name, "SHA-256", "another file than the manifest lists", str(listed.get(name, "an entry")))


def _whole(opened: Opened) -> Iterator[Problem]:
    """The results are of the schema, which knows no table of respondents."""
    if isinstance(read := _results(opened), InputError):
        yield from read.problems


def _results(opened: Opened) -> Results | InputError:
    with TemporaryDirectory() as folder:
        path = Path(folder) / RESULTS
        path.write_bytes(opened.get(RESULTS, b""))
        try:
            return Results.read(path)
        except InputError as error:
            return InputError(Problem(RESULTS, p.key, p.found, p.expected) for p in error.problems)


def _nobody(opened: Opened) -> Iterator[Problem]:
    """No count of a few people, and no list with an entry for each respondent."""
    if isinstance(read := _results(opened), InputError):
        return
    for place, count in _counts(read):
        if count is not None and 0 < count < SMALLEST:
            yield Problem(RESULTS, f"key '{place}'", f"{count} people", f"nobody, or {SMALLEST} and more")
    kept = {read.survey.get("kept"), *(m.get("respondents") for m in read.models.values())} - {None}
    for place, length in _lists(json.loads(opened[RESULTS]), ""):
        if length in kept and length > SMALLEST**2:  # some short table may have as many rows by chance
            yield Problem(RESULTS, f"key '{place}'", f"{length} entries, as many as respondents", "no list of people")


def _counts(results: Results) -> Iterator[tuple[str, int | None]]:
    """Place and number of every count of people."""
    yield from ((f"survey.{name}", results.survey.get(name)) for name in ("rows", "kept"))
    yield from ((f"models.{name}.respondents", m.get("respondents")) for name, m in results.models.items())
    yield from ((f"dropped.{d.column}.{d.reason}", d.count) for d in results.dropped)
    for name, row in (results.figures.get("plain") or {}).items():
        yield f"figures.plain.{name}.respondents", row["respondents"]


def _lists(thing: Any, place: str) -> Iterator[tuple[str, int]]:
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield from _lists(value, f"{place}.{key}".strip("."))
    elif isinstance(thing, list):
        yield place, len(thing)
        for value in thing:
            yield from _lists(value, place)


def _inert(opened: Opened) -> Iterator[Problem]:
    """The page runs nothing, fetches nothing, and is the page of these results."""
    page = opened.get(PAGE, b"").decode("utf-8", errors="replace")
    if fetched := FETCHES.search(page):
        yield Problem(PAGE, "", f"'{fetched[0][:60]}'", "a page that runs and fetches nothing")
    if _digest(opened.get(RESULTS, b"")) not in page:
        yield Problem(PAGE, "", "a page of other results", f"the page of this {RESULTS}; run `largesse report`")


def _placed(opened: Opened) -> Iterator[Problem]:
    """No file tells where anything lies on a machine."""
    for name in (n for n in CONTENTS if n in opened):
        if found := ABSOLUTE.search(opened[name].decode("utf-8", errors="replace")):
            yield Problem(name, "", f"the path '{found[0].strip()}'", "no path of a machine")


RULES: Final[tuple[Callable[[Opened], Iterator[Problem]], ...]] = (_listed, _whole, _nobody, _inert, _placed)
