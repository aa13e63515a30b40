"""Fingerprints and atomic files: a step's artefact is named by what made it, and is whole or absent."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

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

    `private` files are readable by their owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
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


def write_json(path: Path, table: Any, *, private: bool = False) -> None:
    """Write `table` as sorted, indented JSON, atomically."""
    with atomic(path, private=private) as part:
        part.write_text(json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def reuse(path: Path, make: Callable[[Path], None], *, private: bool = False) -> bool:
    """Make `path` with `make` unless it is there already; True when it was reused."""
    if path.exists():
        return True
    with atomic(path, private=private) as part:
        make(part)
    return False
