"""Long files read a batch of rows at a time, and how far that is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from largesse.errors import InputError
from largesse.reading import csv_options, header, hold_closed, not_parquet, repeated, torn

BATCH_BYTES, BATCH_ROWS = 1 << 22, 1 << 16  # what is read at once
FIRST, EVERY = 2.0, 10.0  # seconds before the first line on how far reading is, and between two of them

log = logging.getLogger(__name__)
Tell = Callable[[float], None]


def _csv(path: Path, encoding: str, where: str, tell: Tell) -> Iterator[Any]:
    names, size = header(path, encoding, where), max(1, path.stat().st_size)
    yield pa.record_batch({name: pa.array([], pa.string()) for name in names})
    batch = None
    with pa.OSFile(str(path)) as handle:
        try:
            for batch in arrow_csv.open_csv(handle, **csv_options(encoding, names, block_size=BATCH_BYTES)):
                yield batch
                tell(handle.tell() / size)
        except (UnicodeDecodeError, pa.ArrowInvalid) as error:
            raise torn(error, path, encoding, where) from None
    if batch is not None:
        hold_closed(batch, path, where)


def _parquet(path: Path, encoding: str, where: str, tell: Tell) -> Iterator[Any]:
    del encoding  # a Parquet file says its own
    rows = 0
    try:
        with path.open("rb") as handle:
            file = parquet.ParquetFile(handle)
            schema = file.schema_arrow.remove_metadata()
            if problems := repeated(schema.names, where):
                raise InputError(problems)
            yield pa.RecordBatch.from_pylist([], schema)
            for batch in file.iter_batches(BATCH_ROWS):
                batch.validate(full=True)
                yield batch.replace_schema_metadata(None)
                rows += batch.num_rows
                tell(rows / max(1, file.metadata.num_rows))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise not_parquet(where, f" after row {rows:,}" if rows else "") from None


def teller(where: str) -> Tell:
    """Says now and then which share of a file was read; nothing of one that is read at once, or in a quiet log."""
    started = told = time.monotonic()

    def tell(share: float) -> None:
        nonlocal told
        now = time.monotonic()
        if 0 < share < 1 and now - told >= (FIRST if told == started else EVERY):
            told = now
            log.info("%s: %.0f %% read, about %.0f s left", where, 100 * share, (now - started) * (1 - share) / share)

    return tell


BATCHES: Final[Mapping[str, Callable[[Path, str, str, Tell], Iterator[Any]]]] = {".csv": _csv, ".parquet": _parquet}
