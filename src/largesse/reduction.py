"""Files too long to be held in memory -> their distinct rows, and how many respondents each of these stands for.

A file is read in batches, a folder file by file on any executor. Each batch is reduced to its distinct rows in the
columns that have a role, and reductions are merged: memory follows distinct rows, not rows. Ids are hashed on the way;
of every column some answers are kept that are spread over the file, so that one that could name a person is noticed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import parquet

from largesse.batches import BATCHES, teller
from largesse.errors import InputError, Problem
from largesse.reading import SAMPLE, Ids, Raw, load, unreadable
from largesse.settings import plain
from largesse.study import Columns

BYTES: Final = 1 << 26  # a CSV file of this size is read in batches: 64 MiB, which become up to ten times that whole
ROWS: Final = 1_000_000  # and so is a Parquet file of so many rows
PENDING, FEW = 32, 500_000  # reductions, and rows in them, that wait to be merged
IDS: Final = "id", "wave"
ODD: Final = r"\.|^-0$| 00:00:00$|^(?i:true|false)$"  # where `plain` may say something else than the text itself


@dataclass(frozen=True)
class Asked:
    """What of a file is kept.

    Attributes
    ----------
    columns : those that have a role.
    respondent, wave : those that tell whether somebody has several rows.
    salt : of the hashes of ids, the same in every process.
    """

    columns: tuple[str, ...]
    respondent: str | None
    wave: str | None
    salt: int

    @classmethod
    def of(cls, columns: Columns) -> Asked:
        """What a study asks of its file."""
        return cls(tuple(columns.used()), columns.respondent, columns.wave, secrets.randbits(63))


@dataclass(frozen=True)
class Spread:
    """Answers spread over a column: every `stride`-th of those that are not blank."""

    values: Any
    stride: int = 1

    def thinned(self, stride: int) -> Spread:
        """Fewer of them; `stride` is a multiple of what it was."""
        step = stride // self.stride
        return self if step == 1 else Spread(self.values.take(np.arange(0, len(self.values), step)), stride)


@dataclass(frozen=True)
class Reduction:
    """What is left of rows.

    Attributes
    ----------
    names : of all columns of the file.
    table : distinct rows of the columns that have a role, in the order in which they first occur; an id is replaced by
        whether there is one.
    times : [row] how many respondents it stands for.
    spread : column -> answers spread over it.
    ids : [row with an id] its hash, and the wave as text.
    """

    names: tuple[str, ...]
    table: pa.Table
    times: NDArray[np.int64]
    spread: Mapping[str, Spread]
    ids: pa.Table

    def raw(self) -> Raw:
        """The form in which a survey is validated."""
        table = self.table.to_pandas(integer_object_nulls=True)
        if not self.table.num_columns:
            table = pd.DataFrame(index=range(len(self.times)))
        spread = {name: s.values.to_pandas(integer_object_nulls=True) for name, s in self.spread.items()}
        ids = self.ids.unify_dictionaries().combine_chunks()
        wave = ids["wave"].combine_chunks()
        told = Ids(ids["id"].to_numpy(), _indices(wave, -1), tuple(wave.dictionary.to_pylist()))
        return Raw(table, times=self.times, spread=spread, ids=told)


# --- what is read ----------------------------------------------------------------------------------------------


def respondents(path: Path, encoding: str, where: str, asked: Asked, executor: Executor | None = None) -> Raw:
    """Read the file of respondents, or all files of a folder; a small file whole.

    Parameters
    ----------
    where : what the file is called in messages.
    executor : whose workers read the files of a folder; this process alone unless given.

    Errors
    ------
    InputError
        as :func:`largesse.reading.load`; and when files of one folder have different columns.
    """
    if path.is_dir():
        return parts(path, encoding, where, asked, executor).raw()
    return reduced(path, encoding, where, asked).raw() if _large(path) else load(path, encoding, where)


def contents(path: Path, where: str) -> dict[str, Path]:
    """Name -> path of the file of respondents, or of every file of a folder.

    Errors
    ------
    InputError
        when a folder holds none, or anything else.
    """
    return {f"{where}/{p.name}": p for p in _files(path, where)} if path.is_dir() else {where: path}


def _large(path: Path) -> bool:
    kind = path.suffix.lower()
    try:
        if kind == ".csv":
            return path.stat().st_size >= BYTES
        return kind == ".parquet" and parquet.read_metadata(path).num_rows >= ROWS
    except (pa.ArrowException, OSError):
        return False  # `load` says what is wrong with it


def reduced(path: Path, encoding: str, where: str, asked: Asked) -> Reduction:
    """The distinct rows of one CSV or Parquet file.

    Errors
    ------
    InputError
        when it is damaged, ragged, wrongly encoded or has two columns of one name.
    """
    batches = BATCHES[path.suffix.lower()](path, encoding, where, teller(where))
    try:
        return merged(of_batch(batch, asked) for batch in batches)
    except OSError as error:
        raise unreadable(error, where) from None


def parts(path: Path, encoding: str, where: str, asked: Asked, executor: Executor | None = None) -> Reduction:
    """The distinct rows of all files of a folder.

    Errors
    ------
    InputError
        with the problems of every file, and of those whose columns are not those of the first.
    """
    files, problems = contents(path, where), list[Problem]()
    task = partial(_part, encoding=encoding, asked=asked)
    made = map(task, files.values(), files) if executor is None else executor.map(task, files.values(), files)
    found = _alike(_telling(zip(files, made, strict=True), len(files), where), problems)
    first = next(found, None)
    whole = None if first is None else merged(chain([first], found))
    if problems or whole is None:
        raise InputError(problems)
    return whole


def _telling[T](made: Iterable[T], number: int, where: str) -> Iterator[T]:
    """The same, with a line now and then on how far it is."""
    tell = teller(where)
    for n, one in enumerate(made, start=1):
        tell(n / number)
        yield one


def _alike(made: Iterable[tuple[str, Reduction | tuple[Problem, ...]]], problems: list[Problem]) -> Iterator[Reduction]:
    """What was made of the files of a folder that are whole and like the first; all else goes on the list."""
    model: tuple[str, Reduction] | None = None
    for where, part in made:
        if not isinstance(part, Reduction):
            problems.extend(part)
            continue
        wrong = [] if model is None else list(_unlike(model, (where, part)))
        if model is None or not len(model[1].times):
            model = where, part
        problems.extend(wrong)
        if not wrong:
            yield part


def _part(path: Path, where: str, encoding: str, asked: Asked) -> Reduction | tuple[Problem, ...]:
    """One file of a folder, or what is wrong with it; made in another process, perhaps."""
    try:
        return reduced(path, encoding, where, asked)
    except InputError as error:
        return error.problems


def _files(path: Path, where: str) -> list[Path]:
    """The files of a folder, all of one kind; those whose names begin with . or _ are some other program's."""
    files = sorted(p.absolute() for p in path.iterdir() if p.name[0] not in "._")
    if not files:
        raise InputError.one(where, "", "an empty folder", f"files ending in {' or in '.join(BATCHES)}")
    kinds = {p.suffix.lower() for p in files if p.is_file()}
    strange = [p for p in files if not p.is_file() or p.suffix.lower() not in BATCHES]
    if strange:
        found = "a folder" if strange[0].is_dir() else "a file of another kind"
        expected = f"files ending in {' or in '.join(BATCHES)}, and nothing else"
        raise InputError.one(f"{where}/{strange[0].name}", "", found, expected)
    if len(kinds) > 1:
        raise InputError.one(where, "", f"files ending in {' and in '.join(sorted(kinds))}", "files of one kind")
    return files


def _unlike(first: tuple[str, Reduction], other: tuple[str, Reduction]) -> Iterator[Problem]:
    """Columns that differ between two files of a folder: in name, in kind, or in the order of their answers."""
    (model_name, model), (where, found) = first, other
    for name in (n for n in model.names if n not in found.names):
        yield Problem(where, f"column '{name}'", "no such column", f"the columns of {model_name}")
    for name in (n for n in found.names if n not in model.names):
        lacking = f"a column that {model_name} does not have"
        yield Problem(where, f"column '{name}'", lacking, f"the columns of {model_name}")
    for name in (n for n in model.table.column_names if n in found.table.column_names):
        one, two = (r.table.field(name) for r in (model, found))
        if not _fit_together(one, two):
            yield Problem(
                where, f"column '{name}'", f"values of the kind {two.type}", f"{one.type}, as in {model_name}"
            )
        elif len(model.times) and len(found.times) and _order(model.table[name]) != _order(found.table[name]):
            expected = f"the answers of {model_name}, in their order"
            yield Problem(where, f"column '{name}'", "other answers, or another order of them", expected)


def _fit_together(one: pa.Field, other: pa.Field) -> bool:
    """Whether values of both can stand in one column."""
    kinds = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in (one, other)]
    try:
        pa.unify_schemas([pa.schema([f]) for f in kinds], promote_options="permissive")
    except pa.ArrowException:
        return False
    return True


def _order(column: Any) -> list[Any] | None:
    """The answers of a column that keeps their order."""
    kind = column.type
    if not (pa.types.is_dictionary(kind) and kind.ordered):
        return None
    return list(column.unify_dictionaries().chunk(0).dictionary.to_pylist()) if column.num_chunks else []


# --- reductions ------------------------------------------------------------------------------------------------


def of_batch(batch: Any, asked: Asked) -> Reduction:
    """The distinct rows of a batch."""
    names = tuple(batch.schema.names)
    columns = {name: batch.column(name) for name in asked.columns if name in names}
    spread = {name: _spread(batch.column(name)) for name in names}
    hashed = np.zeros(0, dtype=np.uint64)
    waves = pa.array([], pa.dictionary(pa.int32(), pa.string()))
    if (id_ := columns.get(asked.respondent or "")) is not None:
        text = _texts(id_)
        there = pc.fill_null(pc.not_equal(text, ""), fill_value=False)
        hashed = pl.Series(text.filter(there)).hash(asked.salt).to_numpy()
        wave = columns.get(asked.wave or "", pa.nulls(batch.num_rows, pa.string()))
        waves = _as_texts(wave.filter(there))
        columns[str(asked.respondent)] = pc.if_else(_answered(id_), "given", pa.scalar(None, pa.string()))
    ids = pa.table([pa.array(hashed), waves], IDS)
    table, times = _distinct(pa.table(columns), np.ones(batch.num_rows, dtype=np.int64))
    return Reduction(names, table, times, spread, ids)


def merged(reductions: Iterable[Reduction]) -> Reduction:
    """All of them as one; only some at a time are in memory where they are made as they are asked for."""
    kept: Reduction | None = None
    waiting: list[Reduction] = []
    for reduction in reductions:
        waiting.append(reduction)
        rows = sum(len(r.times) for r in waiting)
        if len(waiting) >= PENDING or rows > max(FEW, len(kept.times) if kept else 0):
            kept, waiting = _joined([*([kept] if kept else []), *waiting]), []
    return _joined([*([kept] if kept else []), *waiting])


def _joined(reductions: list[Reduction]) -> Reduction:
    names = reductions[0].names
    tables = _of_one_kind([r.table.select(reductions[0].table.column_names) for r in reductions])
    together = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    table, times = _distinct(together.combine_chunks(), np.concatenate([r.times for r in reductions]))
    spread = {name: _all([r.spread[name] for r in reductions]) for name in names}
    return Reduction(names, table, times, spread, pa.concat_tables([r.ids for r in reductions]))


def _of_one_kind(tables: list[pa.Table]) -> list[pa.Table]:
    """The tables, with columns as plain values that are categories in some of them only, or of another kind."""
    for name in tables[0].column_names:
        kinds = {t.field(name).type for t in tables}
        if len(kinds) > 1 and any(pa.types.is_dictionary(k) for k in kinds):
            tables = [t.set_column(t.column_names.index(name), name, _decoded(t[name])) for t in tables]
    return tables


def _distinct(table: pa.Table, times: NDArray[np.int64]) -> tuple[pa.Table, NDArray[np.int64]]:
    """Distinct rows in the order in which they first occur, and how many respondents each stands for."""
    key, size = np.zeros(len(times), dtype=np.int64), 1  # [row] the row as one number, written in mixed radix
    for column in table.columns:
        codes, levels = _codes(column.combine_chunks())
        if size > np.iinfo(np.int64).max // max(1, levels):
            key = pd.factorize(key)[0].astype(np.int64)
            size = len(key)
        key, size = key * levels + codes, size * max(1, levels)
    row, found = pd.factorize(key)
    first = np.zeros(len(found), dtype=np.int64)
    first[row[::-1]] = np.arange(len(row))[::-1]  # written last, the first row of a kind stays
    return table.take(first), np.bincount(row, weights=times, minlength=len(found)).astype(np.int64)


def _codes(column: Any) -> tuple[NDArray[np.int64], int]:
    """[row] a number for each distinct value, and how many there can be."""
    if not pa.types.is_dictionary(column.type):
        try:
            column = pc.dictionary_encode(column, null_encoding="encode")
        except pa.ArrowNotImplementedError:  # lists and the like, which nobody answers: refused when they are read
            return np.zeros(len(column), dtype=np.int64), 1
    levels = len(column.dictionary) + 1
    return _indices(column, levels - 1).astype(np.int64), levels


def _indices(column: Any, blank: int) -> NDArray[Any]:
    """[row] the position of each value in the column's dictionary."""
    return np.asarray(pc.fill_null(column.indices.cast(pa.int32()), blank).to_numpy(zero_copy_only=False))


# --- answers spread over a column ------------------------------------------------------------------------------


def _spread(column: Any) -> Spread:
    answered = column.filter(_answered(column))
    stride = 1
    while len(answered) > 2 * SAMPLE * stride:
        stride *= 2
    return Spread(_decoded(answered.take(np.arange(0, len(answered), stride))), stride)


def _all(spreads: list[Spread]) -> Spread:
    """Several as one, of one stride, which doubles until they are few."""
    filled = [s for s in spreads if len(s.values)] or spreads[:1]
    if len({s.values.type for s in filled}) > 1:
        filled = [Spread(_texts(s.values), s.stride) for s in filled]
    stride = max(s.stride for s in filled)
    values = pa.concat_arrays([s.thinned(stride).values for s in filled])
    while len(values) > 2 * SAMPLE:
        values, stride = values.take(np.arange(0, len(values), 2)), 2 * stride
    return Spread(values, stride)


def _answered(column: Any) -> Any:
    """[row] whether there is a value."""
    there = pc.is_valid(column)
    return pc.and_(there, pc.invert(pc.is_nan(pc.fill_null(column, 0)))) if pa.types.is_floating(column.type) else there


def _decoded(column: Any) -> Any:
    """Values instead of categories."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


# --- texts -----------------------------------------------------------------------------------------------------


def _texts(column: Any) -> Any:
    """[row] the :func:`~largesse.settings.plain` form of each value; value by value only where that is needed."""
    column = _decoded(column)
    if pa.types.is_floating(column.type):
        column = _whole(column)
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        values = column.to_pandas(integer_object_nulls=True)
        return pa.array(
            [plain(v) if there else None for v, there in zip(values, values.notna(), strict=True)], pa.string()
        )
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    odd = pc.fill_null(pc.match_substring_regex(text, ODD), fill_value=False)
    return pc.replace_with_mask(text, odd, pa.array([plain(v) for v in text.filter(odd).to_pylist()], pa.string()))


def _whole(column: Any) -> Any:
    """Numbers as integers where all are; blank where they are not numbers."""
    column = pc.if_else(_answered(column), column, pa.scalar(None, column.type))
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _as_texts(column: Any) -> Any:
    """The same as categories of few texts."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    texts = _texts(column.dictionary).dictionary_encode()  # two values may be one text: 1 and 1.0
    return pa.DictionaryArray.from_arrays(
        texts.indices.cast(pa.int32()).take(column.indices.cast(pa.int32())), texts.dictionary
    )
