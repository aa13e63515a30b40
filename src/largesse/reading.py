"""Files of respondents -> one raw table: CSV, Parquet, Stata and SPSS, and no column that could name a person."""

from __future__ import annotations

import codecs
import csv
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from largesse.errors import InputError, Problem
from largesse.settings import plain

SAMPLE = 1_000  # values of a column looked at for e-mail addresses and phone numbers
TOLERATED = 0.10  # share of values that may look like one by accident
CHUNK = 1 << 20  # bytes looked at together
NO_ANSWER = ["", "NA", "NaN"]  # unquoted in a CSV file: nothing was answered
DOUBLED = r"column '(.*)' is duplicated.*"  # what pyreadstat warns of, and mends by another name
BROKEN_STATISTICAL = (
    pyreadstat.ReadstatError,
    pyreadstat.PyreadstatError,
    ValueError,
    ArithmeticError,
    LookupError,
    MemoryError,
)  # what its parser stumbles over where a length or a place in a damaged file is wrong

HEADERS: Mapping[str, str] = {
    "a name": r"\b((sur|fore|nick|user|first|last|full|given|family|maiden)?names?)\b|이름|성명|성함",
    "a phone number": r"\b(phones?|telephones?|tel|mobiles?|cell ?phones?|whatsapp|kakao(talk)?)\b|전화|휴대폰",
    "an e-mail address": r"\b(e ?mails?)\b|이메일",
    "a postal address": r"\b(address(es)?|addr)\b|주소",
    "a passport number": r"\bpassports?\b|여권",
    "a national id": r"\b(national ?id(entity|entification)?|id(entity)? ?card|ssn|resident registration)\b|주민등록",
}
ADDRESS = re.compile(r"[^@\s]@[^@\s]+\.[^\W\d_]{2,}")  # one character before the @: linear in a long text
PHONE = re.compile(r"\+?\(?\d{1,4}\)?(?:[ .-]{1,2}\(?\d{2,4}\)?){2,5}|0[1-9]\d{0,2}-\d{6,8}|\+\d{8,15}|0[1-9]\d{8,9}")
GROUPED_NUMBER = re.compile(r"-?\d{1,3}(?:[ .]\d{3})+")  # 1.234.567.890, thousands set apart
HARMLESS = re.compile(r"(?i:yes|no|true|false)|-?[\d.]{1,6}")  # owns a mobile phone: yes, 1; too short to name anyone
STRUCTURAL = {
    *("district", "province", "wave", "gift", "loyalty", "loyalty_before", "vignettes", "market", "weight"),
    *("respondent", "list_count", "list_arm", "placebo_count", "placebo_arm", "direct", "randomised"),
}


@dataclass(frozen=True)
class Ids:
    """The ids of respondents in a file whose rows were not kept, none of which can be read.

    Attributes
    ----------
    hashed : [row with an id] the id, hashed with a salt of the moment.
    wave : [row with an id] position in `waves`, the answers to the question on the wave; -1 where it is blank.
    """

    hashed: NDArray[np.uint64]
    wave: NDArray[np.int32]
    waves: tuple[str, ...]


@dataclass(frozen=True)
class Raw:
    """A table as it lies in its file, or what is left of it when respondents of the same answers stand in one row.

    Attributes
    ----------
    table : one row per interview; columns with value labels are ordered categoricals of the labels, in code order.
        With `times`, the distinct rows of the columns that have a role; an id is replaced by whether there is one.
    labels : column -> the question's wording, where the file keeps it.
    codes : column -> value label -> the code it stands for.
    blanks : column -> answers that the file itself declares to be missing.
    times : [row] how many respondents the row stands for; None where each stands for itself.
    spread : every column of the file -> answers spread over it, where its rows were not kept.
    ids : of the respondents, where its rows were not kept.
    """

    table: pd.DataFrame
    labels: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blanks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    times: NDArray[np.int64] | None = None
    spread: Mapping[str, pd.Series[Any]] = field(default_factory=dict)
    ids: Ids | None = None

    @property
    def columns(self) -> list[Any]:
        """The names of all columns of the file."""
        return list(self.spread or self.table.columns)

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return len(self.table) if self.times is None else int(self.times.sum())


def load(path: Path, encoding: str, where: str) -> Raw:
    """Read one file by its suffix; `where` names it in messages.

    Errors
    ------
    InputError
        when the file is missing, of another kind, damaged, ragged, wrongly encoded or has two columns of one name.
    """
    if path.suffix.lower() not in READERS:
        ending = f"a file ending in {path.suffix!r}" if path.suffix else "a file without an ending"
        raise InputError.one(where, "", ending, f"one of {', '.join(READERS)}")
    if not path.is_file():
        raise InputError.one(where, "", "no such file", "a file, named relative to the folder of study.toml")
    try:
        return READERS[path.suffix.lower()](path, encoding, where)
    except OSError as error:
        raise unreadable(error, where) from None


def unreadable(error: OSError, where: str) -> InputError:
    """The error of a file that the system does not let anybody read."""
    found = f"a file that cannot be read ({type(error).__name__})"
    return InputError.one(where, "", found, "a file that its owner may read")


def repeated(columns: Iterable[object], where: str) -> list[Problem]:
    """One problem for each column name that occurs more than once."""
    names = [str(c) for c in columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    return [Problem(where, f"column '{n}'", f"{names.count(n)} columns of this name", "one") for n in twice]


# --- CSV and Parquet -------------------------------------------------------------------------------------------


def _csv(path: Path, encoding: str, where: str) -> Raw:
    """Every value as text: a code such as 01 keeps its zero, and no row changes how another is understood."""
    names = header(path, encoding, where)
    options = csv_options(encoding, names)
    try:
        table = arrow_csv.read_csv(path, **options)
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise torn(error, path, encoding, where) from None
    hold_closed(table, path, where)
    return Raw(table.to_pandas())


def header(path: Path, encoding: str, where: str) -> list[str]:
    """The names of the columns of a CSV file.

    Errors
    ------
    InputError
        when its first line is no header, or names two columns alike.
    """
    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as handle:
            names: list[str] = next((row for row in csv.reader(handle) if row), [])
    except UnicodeError as error:
        raise _undecodable(where, encoding, getattr(error, "start", 0)) from None
    except csv.Error:
        raise InputError.one(where, "", "a first line that is not a header", "comma-separated column names") from None
    if not any(names):
        raise InputError.one(where, "", "an empty file", "a header and at least one row")
    if len(names) == 1 and re.search(r"[;\t]", names[0]):
        raise InputError.one(where, "", "a header without commas", "columns separated by commas, not ; or tabs")
    if problems := repeated(names, where):
        raise InputError(problems)
    return names


def csv_options(encoding: str, names: list[str], **read: Any) -> dict[str, Any]:
    """How a CSV file is read, whole or in batches."""
    return {
        "read_options": arrow_csv.ReadOptions(encoding=encoding, use_threads=False, **read),  # so errors name their row
        "parse_options": arrow_csv.ParseOptions(newlines_in_values=True),
        "convert_options": arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            null_values=NO_ANSWER,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    }


def _undecodable(where: str, encoding: str, offset: int) -> InputError:
    found = f"bytes that are not {encoding} at offset {offset}"
    return InputError.one(where, "", found, f"text in the encoding of key 'survey.encoding' ({encoding!r})")


def torn(error: UnicodeDecodeError | pa.ArrowInvalid, path: Path, encoding: str, where: str) -> InputError:
    """What a reader of CSV files stumbled over, without the text of the row, which may be a respondent's."""
    if isinstance(error, UnicodeDecodeError):
        return _undecodable(where, encoding, _first_undecodable(path, encoding))
    message = str(error)
    row = re.search(r"Row #(\d+)", message)
    line = f" at line {row[1]}" if row else ""
    if "invalid UTF8" in message:
        expected = f"text in the encoding of key 'survey.encoding' ({encoding!r})"
        return InputError.one(where, "", f"bytes that are not {encoding}{line}", expected)
    if fields := re.search(r"Expected (\d+) columns, got (\d+)", message):
        return InputError.one(where, "", f"{fields[2]} fields{line}", f"{fields[1]}, as in the header")
    if "straddling" in message and (place := _unpaired(path)):  # an open quote runs on beyond what is read together
        return _unclosed(place, where)
    return InputError.one(where, "", f"text that is not CSV{line}", "comma-separated values under a header")


def _first_undecodable(path: Path, encoding: str) -> int:
    """Where the first bytes stand that are no text in an encoding; what is read in pieces says where in its piece."""
    decoder, seen = codecs.getincrementaldecoder(encoding)(), 0
    with path.open("rb") as handle:
        try:
            for piece in iter(lambda: handle.read(CHUNK), b""):
                seen += len(piece)
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return seen - len(error.object) + error.start
    return seen


def hold_closed(table: Any, path: Path, where: str) -> None:
    """Refuse a CSV file whose last row was swallowed by a quote that is never closed; `table` holds that row."""
    last = table.slice(max(0, table.num_rows - 1)).to_pylist()
    if any("\n" in (v or "") for row in last for v in row.values()) and (place := _unpaired(path)):
        raise _unclosed(place, where)


def _unclosed(line: int, where: str) -> InputError:
    return InputError.one(where, "", f"a quotation mark at line {line} that is never closed", 'fields in pairs of "')


def _unpaired(path: Path) -> int:
    """The line of the last quotation mark of a file where their number is odd; else 0."""
    marks, lines, line = 0, 1, 0
    with path.open("rb") as handle:
        for piece in iter(lambda: handle.read(CHUNK), b""):
            marks += piece.count(b'"')
            if (last := piece.rfind(b'"')) >= 0:
                line = lines + piece.count(b"\n", 0, last)
            lines += piece.count(b"\n")
    return line if marks % 2 else 0


def _parquet(path: Path, encoding: str, where: str) -> Raw:
    del encoding  # a Parquet file says its own
    with path.open("rb") as handle:
        try:
            table = parquet.ParquetFile(handle).read().replace_schema_metadata(None)
            table.validate(full=True)
            if problems := repeated(table.column_names, where):
                raise InputError(problems)
            return Raw(table.to_pandas(integer_object_nulls=True))  # a long id beside a blank keeps its digits
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            raise not_parquet(where) from None


def not_parquet(where: str, place: str = "") -> InputError:
    """The error of a file that is no Parquet file, or one no further than a `place`."""
    return InputError.one(where, "", f"a file that is truncated or not Parquet{place}", "a whole Parquet file")


# --- Stata and SPSS --------------------------------------------------------------------------------------------


def _statistical(read: Callable[[str, str | None], Any], kind: str) -> Callable[[Path, str, str], Raw]:
    def reader(path: Path, encoding: str, where: str) -> Raw:
        declared = None if encoding == "utf-8" else encoding  # these files usually say their own
        path.open("rb").close()  # what cannot be opened is not called truncated
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=DOUBLED)
                table, meta = read(str(path), declared)
        except UserWarning as warning:
            name = re.sub(DOUBLED, r"\1", str(warning))
            raise InputError.one(where, f"column '{name}'", "two columns of this name", "one") from None
        except UnicodeDecodeError as error:
            raise _undecodable(where, encoding, error.start) from None
        except BROKEN_STATISTICAL as error:
            if "encoding" in str(error):
                raise _undecodable(where, encoding, 0) from None
            raise InputError.one(where, "", f"a file that is truncated or not {kind}", f"a whole {kind} file") from None
        return _labelled(table, meta)

    return reader


def _read_spss(path: str, encoding: str | None) -> tuple[pd.DataFrame, Any]:
    table, meta = pyreadstat.read_sav(path, user_missing=True, encoding=encoding)
    return table, meta


def _read_stata(path: str, encoding: str | None) -> tuple[pd.DataFrame, Any]:
    """Extended missing values keep the names that Stata shows, `.a` to `.z`; the plain one is a blank."""
    table, meta = pyreadstat.read_dta(path, user_missing=True, encoding=encoding)
    tagged = list(meta.missing_user_values)
    if tagged:  # here pyreadstat 1.3 reads the plain missing value of an integer column as 0, so ask once more
        answered, _ = pyreadstat.read_dta(path, user_missing=False, usecols=tagged, encoding=encoding)
        for name in tagged:
            tags: dict[Any, str] = {tag: f".{tag}" for tag in meta.missing_user_values[name]}
            known: dict[Any, str] = meta.variable_value_labels.get(name, {})
            meta.variable_value_labels[name] = {tags.get(code, code): label for code, label in known.items()}
            meta.missing_user_values[name] = list(tags.values())
            table[name] = table[name].where(answered[name].notna(), table[name].map(tags))
    return table, meta


def _labelled(table: pd.DataFrame, meta: Any) -> Raw:
    """Value labels in the place of codes, in code order; codes and declared missing values kept beside them."""
    wording = {name: label for name, label in meta.column_names_to_labels.items() if label}
    codes, blanks, columns = {}, {}, {}
    for name in table.columns:
        known = {code: label for code, label in meta.variable_value_labels.get(name, {}).items() if plain(label)}
        blanks[name] = _declared_missing(table[name], known, meta)
        columns[name] = table[name]
        if known:
            columns[name] = _apply(table[name], known)
            codes[name] = {plain(label): plain(code) for code, label in known.items()}
    return Raw(pd.DataFrame(columns, index=table.index), wording, codes, blanks)


def _apply(column: pd.Series[Any], known: Mapping[Any, str]) -> pd.Series[Any]:
    row, values = pd.factorize(column)
    ordered = sorted(values, key=lambda v: (isinstance(v, str), v))  # numbers, then Stata's .a to .z
    names = list(dict.fromkeys(plain(known.get(v, v)) for v in ordered))
    position = [names.index(plain(known.get(v, v))) for v in values]
    codes = pd.Series([*position, -1], dtype="int64").to_numpy()[row]
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names), ordered=True), index=column.index)


def _declared_missing(column: pd.Series[Any], known: Mapping[Any, str], meta: Any) -> frozenset[str]:
    ranges = meta.missing_ranges.get(column.name, [])
    values = list(meta.missing_user_values.get(column.name, []))
    if ranges:
        answers = column.dropna().unique()
        values += [v for v in answers for r in ranges if _within(v, r["lo"], r["hi"])]
    return frozenset(plain(known.get(v, v)) for v in values)


def _within(value: Any, low: Any, high: Any) -> bool:
    return isinstance(value, str) == isinstance(low, str) and low <= value <= high


READERS: Mapping[str, Callable[[Path, str, str], Raw]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".dta": _statistical(_read_stata, "Stata"),
    ".sav": _statistical(_read_spss, "SPSS"),
}


# --- identifiers -----------------------------------------------------------------------------------------------


def identifiers(raw: Raw, roles: Mapping[str, str], levels: Iterable[str], where: str) -> list[Problem]:
    """One problem for each column that looks like a name, phone number, e-mail address or the like.

    A header and the question's wording are judged by their words, unless the column has a structural role, listed
    levels or harmless content; content is judged by up to 1,000 values spread over the column. No value is ever
    repeated in a message.
    """
    listed = {*levels, *raw.codes}
    problems = []
    for name in raw.columns:
        values = _sample(raw.spread[name] if raw.spread else raw.table[name])
        trusted = name in listed or roles.get(name) in STRUCTURAL
        wording = f"{name} {raw.labels.get(name, '')}"
        kind = _kind_of_content(values) or ("" if trusted else _kind_of_header(wording, values))
        if kind:
            found = f"a column that looks like {kind}"
            problems.append(
                Problem(where, f"column '{name}'", found, "no identifiers: remove the column from the file")
            )
    return problems


def _sample(column: pd.Series[Any]) -> list[str]:
    answered = column.dropna()
    texts = (str(v).strip() for v in answered.iloc[:: max(1, -(-len(answered) // SAMPLE))])
    return [t for t in texts if t]


def _kind_of_content(values: list[str]) -> str:
    tests: Mapping[str, Callable[[str], bool]] = {
        "an e-mail address": lambda v: ADDRESS.search(v) is not None,
        "a phone number": _is_phone,
    }
    return next((k for k, looks in tests.items() if sum(map(looks, values)) > TOLERATED * len(values)), "")


def _is_phone(value: str) -> bool:
    enough = 9 <= sum(c.isdigit() for c in value) <= 15
    return enough and PHONE.fullmatch(value) is not None and GROUPED_NUMBER.fullmatch(value) is None


def _kind_of_header(name: str, values: list[str]) -> str:
    if all(HARMLESS.fullmatch(v) for v in values):
        return ""
    words = re.sub(r"[\W\d_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower()
    return next((kind for kind, pattern in HEADERS.items() if re.search(pattern, words)), "")
