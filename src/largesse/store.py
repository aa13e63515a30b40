"""Fingerprints and atomic files: a step's artefact is named by what made it, and is whole or absent."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SEAL = "seal"  # the key under which a table keeps the fingerprint of all else in it
DIGITS = 16  # 64 bits: a collision among a million artefacts has odds of one in thirty million


def fingerprint(*things: Any) -> str:
    """Hex digest of plain values, arrays and nested tables; equal inputs, equal digest, on any machine."""
    digest = hashlib.sha256()
    for part in _parts(things):
        digest.update(part)
    return digest.hexdigest()[:DIGITS]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in full."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _parts(thing: Any) -> Iterator[bytes]:
    if isinstance(thing, np.ndarray) and thing.dtype != object:
        yield f"{thing.dtype.str}{thing.shape}".encode()
        yield np.ascontiguousarray(thing).tobytes()
    elif isinstance(thing, Mapping):
        yield b"{"
        for key in sorted(thing, key=str):
            yield from _parts(str(key))
            yield from _parts(thing[key])
        yield b"}"
    elif isinstance(thing, (list, tuple, np.ndarray)):
        yield b"["
        for item in thing:
            yield from _parts(item)
        yield b"]"
    else:
        plain = thing.item() if isinstance(thing, np.generic) else thing
        yield json.dumps(plain, ensure_ascii=True, allow_nan=True).encode() + b","


@contextmanager
def atomic(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name only if the block ends well.

    `private` files are readable by their owner alone from their first byte, and so is a folder made for them.
    A process that is killed leaves the old file as it was and a file `.name.*.part`, which nothing reads.
    """
    path.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # made with mode 0600
    os.close(handle)
    part = Path(name)
    try:
        yield part
        part.chmod(0o600 if private else 0o644)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, table: Any, *, private: bool = False, ordered: bool = False, sealed: bool = False) -> None:
    """Write `table` as indented JSON, atomically: sorted by key, or as it is where the order of keys means something.

    A `sealed` table carries the fingerprint of all else in it, so that whoever reads it notices a change
    (:func:`broken`).

    Errors
    ------
    ValueError
        names the first entry that JSON cannot hold: a number that is not finite, or a value that is not plain.
    """
    if fault := next(_faults(table, path.name), None):
        raise ValueError(fault)
    if sealed:
        table = {**table, SEAL: _seal(table)}
    with atomic(path, private=private) as part:
        part.write_text(json.dumps(table, indent=1, sort_keys=not ordered, ensure_ascii=False) + "\n", encoding="utf-8")


def broken(table: Mapping[str, Any]) -> bool:
    """Whether a table that was written sealed lacks its seal, or is no longer what was sealed."""
    return table.get(SEAL) != _seal(table)


def _seal(table: Mapping[str, Any]) -> str:
    return fingerprint({key: value for key, value in table.items() if key != SEAL})


def _faults(thing: Any, place: str) -> Iterator[str]:
    """What JSON would refuse, or give back as something else."""
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            if not isinstance(key, str):
                yield f"{place} has the key {key!r}, which is not text"
            yield from _faults(value, f"{place}, {key}")
    elif isinstance(thing, (list, tuple)):
        for i, value in enumerate(thing):
            yield from _faults(value, f"{place}, {i}")
    elif isinstance(thing, float):
        if not math.isfinite(thing):
            yield f"{place} is {thing}, which JSON cannot hold"
    elif not isinstance(thing, (str, int, type(None))):
        yield f"{place} is of the type {type(thing).__name__}, which JSON cannot hold"


def reuse(path: Path, make: Callable[[Path], None], *, private: bool = False) -> bool:
    """Make `path` with `make` unless it is there already; True when it was reused."""
    if path.exists():
        return True
    with atomic(path, private=private) as part:
        make(part)
    return False
