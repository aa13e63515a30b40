"""Seals: what a private file was when it was written, so that nothing is made from one that was damaged since.

One file for each folder, `seals.json`: name -> SHA-256. Against carelessness and failing disks, not against forgers:
whoever may write the file may write its seal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from largesse.errors import InputError
from largesse.store import file_digest, write_json

FILE: Final = "seals.json"


def seal(path: Path) -> None:
    """Keep what a file is now."""
    write_json(path.parent / FILE, _kept(path.parent) | {path.name: file_digest(path)}, private=True)


def damaged(path: Path) -> bool:
    """Whether a file that lies at `path` is not what it was when it was sealed; one never sealed is taken as it is."""
    kept = _kept(path.parent).get(path.name)
    return kept is not None and path.is_file() and file_digest(path) != kept


def hold(path: Path) -> Path:
    """The path of a file that is what it was when it was sealed.

    Errors
    ------
    InputError
        when it is not.
    """
    if damaged(path):
        expected = "the file as it was written: `largesse run` makes it again"
        raise InputError.one(path, "", "a file that was changed since", expected)
    return path


def _kept(folder: Path) -> dict[str, str]:
    """The seals of a folder; none where they cannot be read, for then nothing can be held against them."""
    try:
        table = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}
