"""Building: a study's page from its stored results, made anew only when results, source or this package changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from largesse.provenance import code
from largesse.report.render import render
from largesse.results import Results
from largesse.store import file_digest, write_json
from largesse.study import Study


def build(study: Study, reuse: Callable[[Path], None] = lambda _page: None) -> Path:
    """Render a study's page from its stored results; neither survey nor sampler is touched.

    Parameters
    ----------
    reuse : told of a page that is up to date, instead of rendering it.

    Errors
    ------
    InputError
        when there are no results, or the page's source is outside the portable subset.
    """
    Results.read(study.results_path)
    origin, page = study.path(study.report.source), study.page_path
    made_by = {"results": file_digest(study.results_path), "source": file_digest(origin), "code": code()}
    stamp = study.private / "page.json"
    if page.is_file() and stamp.is_file() and json.loads(stamp.read_bytes()) == made_by | {"page": file_digest(page)}:
        reuse(page)
        return page
    render(origin, page)
    write_json(stamp, made_by | {"page": file_digest(page)}, private=True)
    return page
