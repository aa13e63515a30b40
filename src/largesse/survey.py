"""Survey: a validated respondent table with its codebook, and every reason why it cannot be one, all at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray

from largesse import dims, scales
from largesse.answers import READ, WORDS, Coded, Missing, Question, shown
from largesse.districts import KEYS, ONE_WAVE, Pair, adjacent, district_table
from largesse.errors import InputError, Problem
from largesse.reading import Raw, identifiers, load, repeated
from largesse.reduction import Asked, respondents
from largesse.repeats import repeated_ids
from largesse.results import Dropped
from largesse.study import Columns, Study

ROLES: Final = (
    *("district", "province", "wave", "gift", "loyalty", "market", "list_count", "direct", "randomised"),
    "placebo_count",
    *("vignettes", "loyalty_before", "categorical", "continuous", "weight"),
)
SUPPORT: Final = ("list_count", "direct", "randomised")  # several ways to ask whether people support one thing
SINGLE: Final = {  # the role names the column
    *("district", "province", "wave", "gift", "market", "weight", "respondent"),
    *SUPPORT,
    "placebo_count",
}
NEEDED: Final = ("district", "wave", "province", "gift", "continuous")  # a respondent without one of these is dropped
SCALES: Final = ("loyalty", "market", *SUPPORT, "placebo_count", "vignettes", "loyalty_before")
STUDY: Final = "study.toml"  # what it is called in messages
TRIMMED: Final = {"district", "province", "wave", "categorical"}  # levels that nobody gave are left out

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """What is known of one column that has a role; counts are over all rows of the file.

    Attributes
    ----------
    name : the column's name in the file.
    role : its key in `[columns]`.
    label : the question's wording, where the file keeps it; else the name.
    levels : lowest to highest for items and the market; reference first for covariates; empty for numbers.
    dont_know, refused, missing : answers that are not on the scale (`missing` = blank).
    """

    name: str
    role: str
    label: str
    levels: tuple[str, ...]
    dont_know: int
    refused: int
    missing: int


@dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """One row per respondent kept, in canonical columns.

    Attributes
    ----------
    table : `district`, `province`, `wave` (categorical), `gift` (int8, 1 = received), loyalty items and `market`
        (ordered categorical, NaN = no answer), `list_count` (`0 of 3` to `4 of 4`: count and arm in one), `direct` and
        `randomised` (no, yes), vignettes, covariates under their own names (categorical or float64),
        `weight` (float64, 1 without that role). Optional columns are absent when the study has no such role.
    items : loyalty items, in the study's order.
    codebook : column of `table` (and `respondent`) -> :class:`Column`.
    districts : what the district file knows, by (district, wave); None without one.
    rows : rows in the file.
    dropped : counts and reasons; roles `loyalty`, `market` and `loyalty_before` are answers of kept respondents, all
        others are rows.
    neighbours : pairs of adjacent districts, each both ways round; None without their file.
    """

    table: pd.DataFrame
    items: tuple[str, ...]
    codebook: Mapping[str, Column]
    districts: pd.DataFrame | None
    rows: int
    dropped: tuple[Dropped, ...]
    neighbours: frozenset[Pair] | None = None

    @property
    def before(self) -> tuple[str, ...]:
        """Items asked before the gift, in the study's order."""
        return tuple(n for n, column in self.codebook.items() if column.role == "loyalty_before")

    def __repr__(self) -> str:
        parts = [f"{len(self.table):,} respondents kept of {self.rows:,} rows"]
        counted = ((role, self.codebook.get(role)) for role in (dims.DISTRICT, dims.WAVE))
        parts += [f"{len(column.levels)} {role}s" for role, column in counted if column]
        return f"<Survey: {'; '.join([*parts, f'items: {", ".join(self.items) or "none"}'])}>"


def read_survey(study: Study, executor: Executor | None = None) -> Survey:
    """Read the files of a study and validate them.

    Parameters
    ----------
    study : names the files (CSV, Parquet, Stata or SPSS), the roles of columns, levels and missing codes. The file of
        respondents may be a folder of CSV or Parquet files with the same columns. Of a folder, or a large file, only
        distinct rows are in memory (:mod:`largesse.reduction`), and respondents who answered alike stand together.
    executor : any `concurrent.futures.Executor`, whose workers read the files of a folder (`calibration.workers` makes
        them, of processes or of a Dask cluster); this process alone unless given.

    Errors
    ------
    InputError
        with every problem found, each naming the file and the column.
    """
    problems: list[Problem] = []
    files = study.survey
    asked = Asked.of(study.columns)
    raw = _attempt(lambda: respondents(study.path(files.file), files.encoding, files.file, asked, executor), problems)
    known, beside = (
        _attempt(partial(load, study.path(name), files.encoding, name), problems) if name else None
        for name in (files.districts, files.neighbours)
    )
    if raw is None:
        raise InputError(problems)
    return _validated(raw, study, files.file, (known, beside), problems)


def validate(
    table: pd.DataFrame,
    study: Study,
    where: str,
    districts: pd.DataFrame | None = None,
    neighbours: pd.DataFrame | None = None,
) -> Survey:
    """Validate a table that is already in memory; reads no file.

    Parameters
    ----------
    table : one row per interview, with the columns named in the study. Ordered categoricals keep their order.
    where : what the table is called in messages.
    districts : the district table, in the columns of :func:`largesse.districts.district_table`.
    neighbours : the table of adjacent districts, in the columns of :func:`largesse.districts.adjacent`.

    Errors
    ------
    InputError
        with every problem found, each naming `where` and the column.
    """
    known, beside = (None if given is None else Raw(given) for given in (districts, neighbours))
    return _validated(Raw(table), study, where, (known, beside), [])


def _validated(
    raw: Raw, study: Study, where: str, elsewhere: tuple[Raw | None, Raw | None], problems: list[Problem]
) -> Survey:
    problems += _structure(raw, study.columns, where)
    refused = identifiers(raw, study.columns.used(), study.levels, where)
    problems += refused
    coded = _coded(raw, study, where, {p.key for p in refused}, problems)
    keep, dropped = _kept(coded, len(raw.table))
    problems += [*_together(coded, keep, where), *repeated_ids(raw, coded, study, where), *_asked(coded, keep, study)]
    places = _places(coded, keep, elsewhere[0], study, problems)
    beside = _beside(coded, keep, (elsewhere[1], places), study, problems)
    if problems:
        raise InputError(problems)
    canonical = {_name(c): c if c.role not in TRIMMED else _trimmed(c, keep) for c in _in_order(coded)}
    codebook = {name: _column(c) for name, c in canonical.items()}
    table = pd.DataFrame({n: _values(c)[keep] for n, c in canonical.items() if n != "respondent"})
    table = table.assign(weight=1.0) if "weight" not in table else table
    conform(table, schema(codebook), where)
    if raw.times is not None:
        table = _each(table, raw.times[keep])
    counts = (*dropped, *_unanswered(coded, keep))
    return Survey(table, study.columns.loyalty, codebook, places, raw.rows, counts, beside)


def _attempt[T](make: Callable[[], T], problems: list[Problem]) -> T | None:
    """What `make` makes, or None with its problems put on the list."""
    try:
        return make()
    except InputError as error:
        problems.extend(error.problems)
        return None


# --- what can be wrong -----------------------------------------------------------------------------------------


def _structure(raw: Raw, columns: Columns, where: str) -> list[Problem]:
    """Columns that are missing; problems that leave nothing to read are raised at once."""
    names = raw.columns
    if problems := repeated(names, where):
        raise InputError(problems)
    if not all(isinstance(name, str) for name in names):
        raise InputError.one(where, "", "column names that are not text", "a name for every column")
    absent = [
        Problem(where, f"column '{c}'", "no such column", _near(c, names)) for c in columns.used() if c not in names
    ]
    if not names or not raw.rows:
        raise InputError([Problem(where, "", "an empty table", "at least one row under the header"), *absent])
    return absent


def _near(name: str, names: list[str]) -> str:
    by_lower = {other.lower(): other for other in reversed(names)}
    near = [by_lower[n] for n in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.7)]
    return f"perhaps {' or '.join(map(repr, near))}" if near else f"one of the {len(names)} columns of the file"


def _coded(raw: Raw, study: Study, where: str, skip: set[str], problems: list[Problem]) -> list[Coded]:
    """Every column that can be understood; the problems of the others go on the list."""
    coded = []
    for column, role in study.columns.used().items():
        if column in raw.table and f"column '{column}'" not in skip:
            understand = partial(READ[role], Question.of(column, role, raw, study, where))
            coded.append(_attempt(understand, problems))
    understood = [c for c in coded if c is not None]
    combined = _attempt(partial(scales.listed, understood, study, where), problems) or scales.unlisted(understood)
    return _attempt(partial(scales.alike, combined, where), problems) or combined


def _together(coded: list[Coded], keep: Rows, where: str) -> list[Problem]:
    """Problems that show only among the respondents who are kept."""
    if not keep.any():
        return [Problem(where, "", "no respondent with all that is needed", f"rows with {', '.join(NEEDED)} filled in")]
    problems = []
    for c in coded:
        answers = np.unique(c.values[keep & (c.status == 0)])
        if c.role in SCALES and len(answers) < 2:
            found = "fewer than two different answers among the respondents kept"
            problems.append(Problem(where, f"column '{c.column}'", found, "at least two different answers"))
        if c.role == "gift" and len(answers) < 2:
            found = "nobody who received" if answers[0] == 0 else "nobody who was passed over"
            problems.append(Problem(where, f"column '{c.column}'", found, "some who received and some who did not"))
    return problems + _astride(coded, keep, where) + _weightless(coded, keep, where)


def _weightless(coded: list[Coded], keep: Rows, where: str) -> list[Problem]:
    """In every district and wave somebody has a weight above 0."""
    by_role = {c.role: c for c in coded}
    if "weight" not in by_role:
        return []
    places = [_text(by_role[role], keep) for role in KEYS if role in by_role] or [_text(None, keep)]
    total = pd.Series(by_role["weight"].values[keep]).groupby(places).sum()
    empty = {" in wave ".join(place) if isinstance(place, tuple) else str(place) for place in total.index[total == 0]}
    found = f"weights that sum to 0 for {shown(empty)}"
    column = f"column '{by_role['weight'].column}'"
    return [Problem(where, column, found, "some weight above 0 in every district and wave")] if empty else []


def _astride(coded: list[Coded], keep: Rows, where: str) -> list[Problem]:
    """A district lies in one province."""
    by_role = {c.role: c for c in coded}
    if not {"district", "province"} <= by_role.keys():
        return []
    district, province = by_role["district"], by_role["province"]
    pairs = np.unique(np.stack([district.values[keep], province.values[keep]]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    astride = [district.levels[i] for i in names[counts > 1]]
    found = f"more than one province for district {shown(astride)}"
    return [Problem(where, f"column '{province.column}'", found, "one province per district")] if astride else []


def _asked(coded: list[Coded], keep: Rows, study: Study) -> list[Problem]:
    """What the study asks of levels that only the survey knows: shares of market bands, and profiles."""
    by_column, estimands, problems = {c.column: c for c in coded}, study.estimands, []
    market, shares = by_column.get(study.columns.market or ""), estimands.market_shares
    if market and shares and len(shares) != len(market.levels) - 1:
        expected = f"{len(market.levels) - 1}, one for each answer above {market.levels[0]!r}"
        problems.append(Problem(STUDY, "key 'estimands.market_shares'", f"{len(shares)} shares", expected))
    for i, profile in enumerate(estimands.at if keep.any() else ()):
        for name, value in profile.values.items():
            covariate = by_column.get(name)
            levels = _trimmed(covariate, keep).levels if covariate and covariate.levels else (value,)
            if value not in levels:
                expected = f"one of {', '.join(map(str, levels))}"
                problems.append(Problem(STUDY, f"key 'estimands.at.{i}.values.{name}'", repr(value), expected))
    return problems


def _places(
    coded: list[Coded], keep: Rows, known: Raw | None, study: Study, problems: list[Problem]
) -> pd.DataFrame | None:
    """The district file, checked against the districts and waves of the respondents kept."""
    where = study.survey.districts or "districts"
    by_role = {c.role: c for c in coded}
    if study.columns.district is None and (known or study.survey.districts):
        problems.append(
            Problem(where, "key 'columns.district'", "no district role in the study", "the survey's column")
        )
        return None
    unread = any(getattr(study.columns, role) and role not in by_role for role in KEYS)
    if known is None or unread:
        return None
    asked = pd.DataFrame({role: _text(by_role.get(role), keep) for role in KEYS}).drop_duplicates()
    return _attempt(lambda: district_table(known.table, where, asked, by_wave="wave" in by_role), problems)


def _beside(
    coded: list[Coded],
    keep: Rows,
    given: tuple[Raw | None, pd.DataFrame | None],
    study: Study,
    problems: list[Problem],
) -> frozenset[Pair] | None:
    """Which districts are adjacent, checked against those of the respondents kept and of the district file."""
    raw, places = given
    district = next((c for c in coded if c.role == "district"), None)
    if raw is None or district is None or (study.survey.districts and places is None):
        return None
    asked = {str(name) for name in _text(district, keep)}
    known = asked if places is None else asked | {*places.index.get_level_values(0)}
    where = study.survey.neighbours or "neighbours"
    return _attempt(lambda: adjacent(raw.table, where, asked, known), problems)


# --- from columns understood to the table ----------------------------------------------------------------------


def _name(coded: Coded) -> str:
    return coded.role if coded.role in SINGLE else coded.column


def _in_order(coded: list[Coded]) -> list[Coded]:
    """By role, within a role as the study lists them; the respondent, who is not in the table, last."""
    return sorted(coded, key=lambda c: (*ROLES, "respondent").index(c.role))


def _kept(coded: list[Coded], rows: int) -> tuple[Rows, list[Dropped]]:
    """[row] True where the respondent stays, and the counts of the others, each under the first reason met."""
    keep, dropped = np.ones(rows, dtype=bool), []
    for c in sorted((c for c in coded if c.role in NEEDED), key=lambda c: NEEDED.index(c.role)):
        dropped += _counts(c, keep)
        keep &= c.status == 0
    return keep, dropped


def _unanswered(coded: list[Coded], keep: Rows) -> list[Dropped]:
    return [entry for c in _in_order(coded) if c.role in SCALES for entry in _counts(c, keep)]


def _counts(coded: Coded, keep: Rows) -> list[Dropped]:
    counts = {words: coded.count(kind, keep) for kind, words in WORDS.items()}
    return [Dropped(coded.role, coded.column, words, n) for words, n in counts.items() if n]


def _trimmed(coded: Coded, keep: Rows) -> Coded:
    """Without the levels that nobody gave; a covariate without listed levels has its commonest first."""
    times = None if coded.times is None else coded.times[keep]
    count = np.bincount(coded.values[keep], weights=times, minlength=len(coded.levels))
    present = [i for i in range(len(coded.levels)) if count[i]]
    if coded.role == "categorical" and not coded.listed:
        last = {words: n for n, words in enumerate(WORDS.values(), start=1)}
        present.sort(key=lambda i: (last.get(coded.levels[i], 0), -count[i], coded.levels[i]))
    place = np.full(len(coded.levels) + 1, -1)  # the last entry, reached by -1, is a blank
    place[present] = np.arange(len(present))
    values = place[np.maximum(coded.values, -1)]
    return replace(coded, values=values, levels=tuple(coded.levels[i] for i in present))


def _column(coded: Coded) -> Column:
    counts = (coded.count(kind) for kind in (Missing.DONT_KNOW, Missing.REFUSED, Missing.BLANK))
    return Column(coded.column, coded.role, coded.label, coded.levels, *counts)


def _values(coded: Coded) -> Any:
    """[row]: a categorical, int8 for the gift, float64 for numbers."""
    if coded.role == "gift":
        return coded.values.astype(np.int8)
    if not coded.levels:
        return coded.values.astype(np.float64)
    return pd.Categorical.from_codes(np.maximum(coded.values, -1), pd.Index(coded.levels), ordered=coded.role in SCALES)


def _each(table: pd.DataFrame, times: NDArray[np.int64]) -> pd.DataFrame:
    """One row for each respondent: each row of `table` so many `times`; categories stay one byte a row."""
    columns = {}
    for name, values in table.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes = np.repeat(values.cat.codes.to_numpy(), times)
            columns[name] = pd.Series(pd.Categorical.from_codes(codes, dtype=values.dtype, validate=False))
        else:
            columns[name] = pd.Series(np.repeat(values.to_numpy(), times))
    return pd.DataFrame(columns, copy=False)


def _text(coded: Coded | None, keep: Rows) -> Any:
    """[kept row] the level's name; one wave for all where the survey has none."""
    return np.full(keep.sum(), ONE_WAVE, dtype=object) if coded is None else np.array(coded.levels)[coded.values[keep]]


# --- the schema ------------------------------------------------------------------------------------------------


def schema(codebook: Mapping[str, Column]) -> pa.DataFrameSchema:
    """What a canonical table must look like, by its codebook."""
    columns = {name: _column_schema(column) for name, column in codebook.items() if name != "respondent"}
    columns.setdefault("weight", pa.Column("float64", pa.Check.ge(0)))
    return pa.DataFrameSchema(columns, strict=True, unique_column_names=True)


def _column_schema(column: Column) -> pa.Column:
    plain: Mapping[str, Callable[[], pa.Column]] = {
        "gift": lambda: pa.Column("int8", pa.Check.isin([0, 1])),
        "continuous": lambda: pa.Column("float64", pa.Check(np.isfinite, name="finite")),
        "weight": lambda: pa.Column("float64", pa.Check.ge(0)),
    }
    if column.role in plain:
        return plain[column.role]()
    scale = column.role in SCALES
    return pa.Column(pd.CategoricalDtype(list(column.levels), ordered=scale), nullable=scale)


def conform(table: pd.DataFrame, expected: pa.DataFrameSchema, where: str) -> None:
    """Hold a canonical table against its schema; no value is repeated in the message.

    Errors
    ------
    InputError
        with one problem for each column and check that fails.
    """
    try:
        expected.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        failed = error.failure_cases[["column", "check"]].drop_duplicates().itertuples(index=False, name=None)
        wanted = "a column as in the codebook"
        raise InputError(
            Problem(where, f"column '{c}'", f"a failed check, {check}", wanted) for c, check in failed
        ) from None
