"""District files: what is known of an office from elsewhere, a row per district (and wave); which are adjacent."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from largesse import dims
from largesse.answers import shown
from largesse.errors import InputError, Problem
from largesse.reading import repeated
from largesse.settings import plain

ONE_WAVE: Final = "all"  # the wave of a survey without that role
KEYS: Final = (dims.DISTRICT, dims.WAVE)
WORDS: Final = (*KEYS, "province")
BESIDE: Final = (dims.DISTRICT, "neighbour")

Pair = tuple[str, str]
Rule = tuple[Callable[[Any], Any], str]
NUMBERS: Mapping[str, Rule] = {  # column -> which numbers are right, and in words; a blank is allowed and stays NaN
    "population": (lambda v: v > 0, "numbers above 0"),
    "coverage": (lambda v: (v >= 0) & (v <= 1), "shares from 0 to 1"),
    "market_access": (np.isfinite, "numbers"),
    "x": (np.isfinite, "tile coordinates, as numbers"),
    "y": (np.isfinite, "tile coordinates, as numbers"),
}


def district_table(table: pd.DataFrame, where: str, asked: pd.DataFrame, *, by_wave: bool) -> pd.DataFrame:
    """Check a raw district table against the survey, and index it.

    Parameters
    ----------
    table : columns `district`, and of `wave`, `province`, `population` (people, above 0), `coverage` (share
        receiving, 0 to 1), `market_access`, `x` and `y` (tile coordinates) those that are known.
    where : the file's name in messages.
    asked : [pair] the distinct `district` and `wave` of the survey, as text; one wave, `all`, without that role.
    by_wave : True when the survey has waves.

    Returns
    -------
    pandas.DataFrame indexed by (district, wave), both text; without a `wave` column, each wave of the survey
    repeats the row. Districts that the survey did not reach are kept.

    Errors
    ------
    InputError
        with every problem: unknown or doubled columns, doubled districts, districts the file does not know, numbers
        out of range.
    """
    if problems := [*repeated(table.columns, where), *_columns(table, where, by_wave=by_wave)]:
        raise InputError(problems)
    keyed = table.assign(**{name: table[name].map(plain, na_action="ignore") for name in WORDS if name in table})
    keys = [name for name in KEYS if name in table]
    numbers = {name: _in_numbers(table[name]) for name in NUMBERS if name in table}
    problems = [*_keys(keyed, keys, where), *_unknown(keyed, keys, asked, where), *_numbers(table, numbers, where)]
    if problems:
        raise InputError(problems)
    return _indexed(keyed.assign(**numbers), asked)


def places(table: pd.DataFrame | None) -> dict[str, tuple[float, float]]:
    """Where each district lies, of those of which the file tells: `x` to the right, `y` upwards, in any unit."""
    if table is None or not {"x", "y"} <= {*table.columns}:
        return {}
    first = table[["x", "y"]].dropna().groupby(level=dims.DISTRICT).first()
    return {str(name): (float(x), float(y)) for name, x, y in first.itertuples()}


def adjacent(table: pd.DataFrame, where: str, asked: Collection[str], known: Collection[str]) -> frozenset[Pair]:
    """Check a raw table of adjacent districts, and take each row both ways round.

    Parameters
    ----------
    table : columns `district` and `neighbour`; a border may be given once or twice.
    where : the file's name in messages.
    asked : the districts of the survey, each of which has a neighbour.
    known : the districts there are: those of the survey and of the district file.

    Errors
    ------
    InputError
        with every problem: other columns, blanks, districts that are not known or lie beside themselves, districts of
        the survey without a neighbour.
    """
    if {*map(str, table.columns)} != {*BESIDE}:
        found = f"the columns {', '.join(map(str, table.columns))}"
        raise InputError(
            [*repeated(table.columns, where), Problem(where, "", found, "the columns district, neighbour")]
        )
    text = table[list(BESIDE)].astype(object).map(plain, na_action="ignore").fillna("")
    pairs: set[Pair] = {(str(a), str(b)) for a, b in text.itertuples(index=False, name=None)}
    blank, itself = (text == "").any(axis=1).sum(), {a for a, b in pairs if a == b != ""}
    problems = [Problem(where, "", f"{blank} rows with a blank", "two districts in every row")] if blank else []
    for column, name in enumerate(BESIDE):
        if strange := {pair[column] for pair in pairs} - {*known, ""}:
            expected = "districts of the survey or the district file"
            problems.append(Problem(where, f"column '{name}'", shown(strange), expected))
    if itself:
        problems.append(Problem(where, "column 'neighbour'", f"{shown(itself)} beside itself", "another district"))
    both = frozenset(pairs | {(b, a) for a, b in pairs})
    if alone := {*asked} - {a for a, b in both if b not in (a, "")}:
        expected = "a neighbour of every district of the survey; of an island, the district one crosses from"
        problems.append(Problem(where, "column 'district'", f"no neighbour of {shown(alone)}", expected))
    if problems:
        raise InputError(problems)
    return both


def _columns(table: pd.DataFrame, where: str, *, by_wave: bool) -> list[Problem]:
    known = [*WORDS, *NUMBERS]
    problems = []
    for name in map(str, table.columns):
        near = difflib.get_close_matches(name, known, n=1)
        if name not in known:
            hint = f"perhaps {near[0]!r}" if near else f"one of {', '.join(known)}"
            problems.append(Problem(where, f"column '{name}'", "a column that is not known", hint))
    if dims.DISTRICT not in table:
        problems.append(Problem(where, "column 'district'", "no such column", "one row per district"))
    if dims.WAVE in table and not by_wave:
        found = "waves, which the survey has not"
        problems.append(Problem(where, "column 'wave'", found, "key 'columns.wave' in study.toml, or no such column"))
    return problems


def _keys(table: pd.DataFrame, keys: list[str], where: str) -> list[Problem]:
    blank = table[keys].isna() | (table[keys] == "")
    problems = [
        Problem(where, f"column '{name}'", f"{blank[name].sum()} rows without a {name}", f"a {name} in every row")
        for name in keys
        if blank[name].any()
    ]
    twice = set(table.loc[table.duplicated(keys) & ~blank.any(axis=1), dims.DISTRICT])
    if twice:
        expected = "one row per " + " and ".join(keys)
        problems.append(Problem(where, "column 'district'", f"more than one row for {shown(twice)}", expected))
    return problems


def _unknown(table: pd.DataFrame, keys: list[str], asked: pd.DataFrame, where: str) -> list[Problem]:
    known = set(table[keys].itertuples(index=False, name=None))
    absent = {" in wave ".join(pair) for pair in asked[keys].itertuples(index=False, name=None) if pair not in known}
    found = f"no row for {shown(absent)}"
    return [Problem(where, "column 'district'", found, "every district of the survey")] if absent else []


def _in_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers, NaN where there is none; a date is not one."""
    text = column.astype(object).where(column.notna(), "").map(str)
    return pd.to_numeric(text, errors="coerce").astype(float)


def _numbers(table: pd.DataFrame, numbers: Mapping[str, pd.Series[Any]], where: str) -> list[Problem]:
    problems = []
    for name, values in numbers.items():
        right, words = NUMBERS[name]
        filled = table[name].notna() & (table[name].astype(object).map(str).str.strip() != "")
        wrong = int((filled & ~(right(values) & np.isfinite(values))).sum())
        if wrong:
            problems.append(Problem(where, f"column '{name}'", f"{wrong} values out of range or not numbers", words))
    return problems


def _indexed(table: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    if dims.WAVE not in table:
        waves = pd.DataFrame({dims.WAVE: asked[dims.WAVE].drop_duplicates().to_list()})
        table = table.merge(waves, how="cross")
    text = table.astype(dict.fromkeys(KEYS, str))
    return text.set_index(list(KEYS))
