"""Building: a study's page from its stored results, made anew only when something that it shows or rests on changed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from largesse.artefacts import digests
from largesse.provenance import code
from largesse.report.render import render
from largesse.resources import PACKAGE, bibliography
from largesse.results import Results
from largesse.store import file_digest, write_json
from largesse.study import Study


def build(study: Study, reuse: Callable[[Path], None] = lambda _page: None) -> Path:
    """Render a study's page from its stored results; neither survey nor sampler is touched.

    A file behind the results that is not what it was makes the page say so, at its top.

    Parameters
    ----------
    reuse : told of a page that is up to date, instead of rendering it.

    Errors
    ------
    InputError
        when there are no results, or they are not what was written, or the page's source is outside the portable
        subset.
    """
    made_by, page = _made_by(study), study.page_path
    stamp = study.private / "page.json"
    if page.is_file() and _stamped(stamp) == made_by | {"page": file_digest(page)}:
        reuse(page)
        return page
    render(study.path(study.report.source), page)
    write_json(stamp, made_by | {"page": file_digest(page)}, private=True)
    return page


def written(kind: str, records: Mapping[str, Path | Mapping[str, Any]], out: Path) -> Path:
    """Render a page of a further kind from what it reads; the page is whole or is not written at all.

    Parameters
    ----------
    kind : the name of a source of this package: `calibration`, `priors` or `comparison`.
    records : name -> each JSON file that the source reads, or the table to put there.
    out : the page.
    """
    with tempfile.TemporaryDirectory(prefix="largesse-") as scratch:
        folder = Path(scratch)
        for name, table in records.items():
            if isinstance(table, Path):
                shutil.copyfile(table, folder / f"{name}.json")
            else:
                write_json(folder / f"{name}.json", table, ordered=True)
        shutil.copyfile(bibliography(), folder / "references.bib")
        shutil.copyfile(PACKAGE / "report" / f"{kind}.qmd", folder / f"{kind}.qmd")
        return render(folder / f"{kind}.qmd", out)


def _made_by(study: Study) -> dict[str, Any]:
    """What a page of the study is made from: results, source, all files behind either, and this package."""
    results, origin = Results.read(study.results_path), study.path(study.report.source)
    named = {name: file_digest(path) for name, path in _named(origin)} if origin.is_file() else {}
    return {
        "results": file_digest(study.results_path),
        "source": named,
        "behind": digests(results.artefacts, study.folder),
        "code": code(),
    }


def _named(origin: Path) -> Iterator[tuple[str, Path]]:
    """The source, and each file that a word of it names: its bibliography, pictures, data that its code reads."""
    yield origin.name, origin
    words = origin.read_text(encoding="utf-8", errors="replace").replace('"', " ").replace("'", " ")
    for word in sorted({word.strip("()[]{},;:") for word in words.split()}):
        if "." in word and len(word) < 256 and (path := origin.parent / word).is_file():
            yield word, path


def _stamped(stamp: Path) -> Mapping[str, Any]:
    """What the page that lies there was made from; nothing where that cannot be read."""
    try:
        table: Mapping[str, Any] = json.loads(stamp.read_bytes())
    except (OSError, ValueError):
        return {}
    return table
