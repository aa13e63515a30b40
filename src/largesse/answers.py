"""One column -> levels and missing kinds, by the rules of its role; distinct answers are looked at, not rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from largesse.errors import InputError
from largesse.reading import Raw
from largesse.settings import plain
from largesse.study import Study

SHOWN = 3  # values quoted in a message at most
WIDTH = 24  # characters of each
ADMINISTRATIVE: Final = {"district", "province", "wave", "weight", "respondent"}  # not asked: 98 is a district there
RECEIVED: Mapping[str, int] = {"0": 0, "no": 0, "false": 0, "1": 1, "yes": 1, "true": 1}


class Missing(IntEnum):
    """Why an answer is not on the scale. Answers on the scale are 0 or more."""

    BLANK = -1
    DONT_KNOW = -2
    REFUSED = -3


WORDS: Mapping[Missing, str] = {
    Missing.DONT_KNOW: "don't know",
    Missing.REFUSED: "refused",
    Missing.BLANK: "no answer",
}


@dataclass(frozen=True)
class Question:
    """A column with what the study and the file say about it.

    Attributes
    ----------
    levels : as study.toml lists them; empty where it does not.
    kinds, blanks : answers that are missing, by the study's word and by the file's; the study's goes before.
    codes : value label -> its code.
    times : [row] how many respondents the row stands for; None where each stands for itself.
    """

    column: str
    role: str
    where: str
    series: pd.Series[Any]
    label: str
    levels: tuple[str, ...]
    kinds: Mapping[str, Missing]
    blanks: Mapping[str, Missing]
    codes: Mapping[str, str]
    threshold: int | None
    times: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, column: str, role: str, raw: Raw, study: Study, where: str) -> Question:
        """The question that `column` of `raw` answers in its role."""
        asked = role not in ADMINISTRATIVE
        kinds = dict.fromkeys(study.missing.dont_know if asked else (), Missing.DONT_KNOW)
        kinds |= dict.fromkeys(study.missing.refused if asked else (), Missing.REFUSED)
        return cls(
            column=column,
            role=role,
            where=where,
            series=raw.table[column],
            label=raw.labels.get(column, column),
            levels=study.levels.get(_scale_of(column, role, study), ()),
            kinds=kinds,
            blanks=dict.fromkeys({"", *raw.blanks.get(column, ())}, Missing.BLANK),
            codes=raw.codes.get(column, {}),
            threshold=study.gift.threshold,
            times=raw.times,
        )

    def wrong(self, found: str, expected: str) -> InputError:
        """The error that says so about this column."""
        return InputError.one(self.where, f"column '{self.column}'", found, expected)

    def read(self, text: str) -> str | Missing:
        """The level an answer stands for, or why it is missing. A listed level is never missing."""
        listed = {level: level for level in self.levels}
        both = (text, self.code(text))
        known: Iterable[str | Missing | None] = (m.get(t) for m in (listed, self.kinds, self.blanks) for t in both)
        return next((meaning for meaning in known if meaning is not None), text)

    def code(self, text: str) -> str:
        """The code behind a value label; an answer without a label is its own code."""
        return self.codes.get(text, text)


def _scale_of(column: str, role: str, study: Study) -> str:
    """The column whose levels a question has: a vignette is answered like the item on loyalty."""
    return study.columns.loyalty[0] if role == "vignettes" else column


@dataclass(frozen=True)
class Coded:
    """A column understood.

    Attributes
    ----------
    values : [row], position in `levels` (negative: a :class:`Missing`), or the number itself where `levels` is empty.
    status : [row], 0 where answered, else the kind of :class:`Missing`.
    levels : lowest to highest for items; in the order of the table for the rest.
    listed : True when study.toml gives the order of the levels.
    times : [row] how many respondents the row stands for; None where each stands for itself.
    """

    column: str
    role: str
    label: str
    values: NDArray[Any]
    status: NDArray[np.int8]
    levels: tuple[str, ...] = ()
    listed: bool = False
    times: NDArray[np.int64] | None = None

    def count(self, kind: Missing, keep: NDArray[np.bool_] | None = None) -> int:
        """How many respondents (of those kept) are missing for this reason."""
        return people((self.status == kind) & (True if keep is None else keep), self.times)


def people(chosen: NDArray[np.bool_], times: NDArray[np.int64] | None) -> int:
    """How many respondents the `chosen` rows stand for."""
    return int(np.count_nonzero(chosen) if times is None else times[chosen].sum())


def understood(question: Question, values: NDArray[Any], status: NDArray[np.int8], levels: tuple[str, ...]) -> Coded:
    """The question with its answers."""
    return Coded(question.column, question.role, question.label, values, status, levels, times=question.times)


@dataclass(frozen=True)
class Answers:
    """The distinct answers of a column: `row[i]` indexes `meanings`; -1 is a blank."""

    row: NDArray[np.intp]
    meanings: tuple[str | Missing, ...]

    @classmethod
    def of(cls, question: Question) -> Answers:
        """Find the distinct answers and what each means."""
        try:
            row, values = pd.factorize(question.series)
        except TypeError:
            raise question.wrong("values that are neither numbers nor text", "one answer in each row") from None
        return cls(row, tuple(question.read(plain(v)) for v in values))

    @property
    def levels(self) -> list[str]:
        """Distinct answers that are not missing."""
        return list(dict.fromkeys(m for m in self.meanings if not isinstance(m, Missing)))

    def coded(self, question: Question, levels: Iterable[str], position: Mapping[str, int] | None = None) -> Coded:
        """[row] positions in `levels`, or as `position` says."""
        levels = tuple(levels)
        place = {level: i for i, level in enumerate(levels)} if position is None else position
        found = [int(m) if isinstance(m, Missing) else place[m] for m in self.meanings]
        values = np.array([*found, Missing.BLANK], dtype=np.int64)[self.row]  # [row]; -1 picks the blank at the end
        status = np.minimum(values, 0).astype(np.int8)
        return understood(question, values, status, levels)

    def kinds(self) -> NDArray[np.int8]:
        """[row] kind of :class:`Missing`, or 1 where the answer is one that should be understood."""
        found = [int(m) if isinstance(m, Missing) else 1 for m in self.meanings]
        return np.array([*found, Missing.BLANK], dtype=np.int8)[self.row]


# --- levels ----------------------------------------------------------------------------------------------------


def number(text: str) -> float | None:
    """The finite number a text stands for, or None."""
    try:
        value = math.nan if "_" in text else float(text)  # Python's 1_000 is no number of a survey
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def natural(text: str) -> tuple[float, list[str | int], str]:
    """Sort key: numbers by value before words; within words, digits by value (`ward 2` before `ward 10`)."""
    value = number(text)
    parts = re.split(r"(\d{1,18})", text)
    words = [int(part) if i % 2 else part for i, part in enumerate(parts)]
    return math.inf if value is None else value, words, text  # the text itself last: 01 and 1 have an order, too


def file_order(question: Question) -> dict[str, int]:
    """Level -> rank where the file itself orders its answers (value labels, ordered categories); else empty."""
    kind = question.series.dtype
    if not (isinstance(kind, pd.CategoricalDtype) and kind.ordered):
        return {}
    meanings = [question.read(plain(level)) for level in kind.categories]
    return {m: i for i, m in reversed(list(enumerate(meanings))) if not isinstance(m, Missing)}


def shown(values: Collection[str]) -> str:
    """Up to three values, shortened."""
    first = ", ".join(repr(v if len(v) <= WIDTH else v[: WIDTH - 1] + "…") for v in sorted(values)[:SHOWN])
    return first + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")


def _within_listed(question: Question, found: Iterable[str]) -> None:
    """Raise when an answer is not one of the levels that the study lists."""
    strange = set(found) - set(question.levels)
    if question.levels and strange:
        expected = f"one of {', '.join(question.levels)} (key 'levels.{question.column}'), or a code in [missing]"
        raise question.wrong(f"the answer {shown(strange)}", expected)


def _scale(question: Question, found: list[str]) -> tuple[str, ...]:
    """Levels of an ordered item, lowest to highest: listed, in the file's order, or by number."""
    ranks = file_order(question)
    if question.levels:
        return question.levels
    if ranks:
        return tuple(sorted(found, key=ranks.__getitem__))
    if any(number(level) is None for level in found):
        expected = f"key 'levels.{question.column}' in study.toml, lowest to highest"
        raise question.wrong(f"an unordered item: answers in words, {shown(found)}", expected)
    return tuple(sorted(found, key=natural))


# --- one reader for each role ----------------------------------------------------------------------------------


def ordered(question: Question) -> Coded:
    """A loyalty item or the market question: answers on a scale of at least two levels."""
    answers = Answers.of(question)
    _within_listed(question, answers.levels)
    levels = _scale(question, answers.levels)
    if not answers.levels:
        raise question.wrong("no answers at all", "at least two different answers")
    if len(levels) < 2 or len(answers.levels) < 2:
        raise question.wrong(f"the single answer {shown(answers.levels)}", "at least two different answers")
    return answers.coded(question, levels)


def place(question: Question) -> Coded:
    """District, province or wave: listed, in the file's order, or in natural order."""
    answers = Answers.of(question)
    _within_listed(question, answers.levels)
    ranks = file_order(question)
    order = sorted(answers.levels, key=ranks.__getitem__) if ranks else sorted(answers.levels, key=natural)
    return answers.coded(question, question.levels or order)


def categorical(question: Question) -> Coded:
    """A covariate in categories; what is missing becomes a level of its own, at the end."""
    answers = Answers.of(question)
    _within_listed(question, answers.levels)
    levels = question.levels or sorted(answers.levels)
    coded = answers.coded(question, [*levels, *(w for w in WORDS.values() if w not in levels)])
    values = coded.values.copy()
    for kind, words in WORDS.items():
        values[coded.status == kind] = coded.levels.index(words)
    return replace(coded, values=values, listed=bool(question.levels))


def gift(question: Question) -> Coded:
    """Received (1) or not (0)."""
    answers = Answers.of(question)
    rule, expected = _gift_rule(question)
    received = {level: rule(level) for level in answers.levels}
    strange = [level for level, value in received.items() if value is None]
    if strange:
        raise question.wrong(f"the answer {shown(strange)}", expected)
    return answers.coded(question, ("0", "1"), {level: int(value or 0) for level, value in received.items()})


def _gift_rule(question: Question) -> tuple[Callable[[str], int | None], str]:
    """How an answer becomes 0 or 1, and what to say of an answer that does not."""
    if question.threshold is not None:
        return _counted(question, question.threshold), "a count of gifts: 0, 1, 2, ..."
    if question.levels:
        both = len(question.levels) == 2
        expected = f"two levels in key 'levels.{question.column}': not received, then received"
        return lambda level: question.levels.index(level) if both and level in question.levels else None, expected
    expected = "0 or 1, no or yes, false or true; or a count, with key 'gift.threshold'"
    return lambda level: RECEIVED.get(level.lower(), _by_code(question, level)), expected


def yes_or_no(question: Question) -> Coded:
    """A question with two answers, no (0) and yes (1): put directly, or by a randomised design."""
    answers = Answers.of(question)
    rule, expected = _gift_rule(replace(question, threshold=None))
    said = {level: rule(level) for level in answers.levels}
    if strange := [level for level, value in said.items() if value is None]:
        raise question.wrong(f"the answer {shown(strange)}", expected.partition("; or a count")[0])
    coded = answers.coded(question, ("no", "yes"), {level: int(value or 0) for level, value in said.items()})
    return replace(coded, levels=question.levels or coded.levels)


def arm(question: Question) -> Coded:
    """Of a list experiment: who was shown the control list (0), and who the list with the sensitive item (1)."""
    answers = Answers.of(question)
    number_of = {level: number(question.code(level)) for level in answers.levels}
    if strange := [level for level, value in number_of.items() if value not in (0, 1)]:
        raise question.wrong(f"the arm {shown(strange)}", "0 (control list) or 1 (with the sensitive item)")
    if len(number_of) < 2:
        raise question.wrong(f"the single arm {shown(answers.levels)}", "respondents of both arms")
    return answers.coded(question, ("0", "1"), {level: int(value or 0) for level, value in number_of.items()})


def counted(question: Question) -> Coded:
    """Of a list experiment: how many items a respondent says apply, and not which."""
    values, status = _numbers(question)
    answered = values[status == 0]
    if strange := {f"{v:g}" for v in np.unique(answered) if v < 0 or v != int(v)}:
        raise question.wrong(f"the count {shown(strange)}", "a whole number of items")
    return understood(question, values, status, ())


def _by_code(question: Question, level: str) -> int | None:
    """Labels in other words are understood by their codes, if these are 0 and 1."""
    coded_from_0 = "0" in question.codes.values()
    return {"0": 0, "1": 1}.get(question.code(level)) if coded_from_0 else None


def _counted(question: Question, threshold: int) -> Callable[[str], int | None]:
    def rule(level: str) -> int | None:
        count = number(question.code(level))
        return None if count is None or count < 0 or count != int(count) else int(count >= threshold)

    return rule


def continuous(question: Question) -> Coded:
    """A covariate in numbers."""
    values, status = _numbers(question)
    return understood(question, values, status, ())


def weight(question: Question) -> Coded:
    """A survey weight: a number of at least 0 in every row."""
    values, status = _numbers(question)
    for bad, what in ((status < 0, "missing"), (values < 0, "negative")):
        if bad.any():
            raise question.wrong(f"{people(bad, question.times)} {what} weights", "a number of at least 0 in every row")
    return understood(question, values, status, ())


def _numbers(question: Question) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """[row] numbers and their status; answers that are not numbers must be missing codes."""
    series = question.series
    if pd.api.types.is_datetime64_any_dtype(series) or pd.api.types.is_complex_dtype(series):
        raise question.wrong("dates or complex numbers", "numbers")
    text = series if pd.api.types.is_numeric_dtype(series) else series.astype(object).where(series.notna(), "").map(str)
    values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    status = np.where(np.isnan(values), Missing.BLANK, 0).astype(np.int8)
    for code, kind in {**question.blanks, **question.kinds}.items():
        if (value := number(code)) is not None:
            status[values == value] = kind
    odd = np.isnan(values) & series.notna().to_numpy()
    values[odd], status[odd] = _words(replace(question, series=series[odd], levels=()))
    if strange := people((status == 0) & ~np.isfinite(values), question.times):
        raise question.wrong(f"{strange} values that are not numbers", "numbers, or a code in [missing]")
    values[status < 0] = np.nan
    return values, status


def _words(question: Question) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """[row] numbers and their status where an answer is in words: a missing code, or a value label with its code."""
    answers = Answers.of(question)
    coded = [None if isinstance(m, Missing) else number(question.code(m)) for m in answers.meanings]
    values = np.array([math.nan if value is None else value for value in [*coded, None]])
    return values[answers.row], np.minimum(answers.kinds(), 0).astype(np.int8)


def respondent(question: Question) -> Coded:
    """Only which rows have no id: ids themselves are never kept."""
    blank = question.series.isna().to_numpy()
    status = np.where(blank, Missing.BLANK, 0).astype(np.int8)
    return understood(question, np.zeros(len(blank)), status, ())


READ: Mapping[str, Callable[[Question], Coded]] = {
    "district": place,
    "province": place,
    "wave": place,
    "gift": gift,
    "loyalty": ordered,
    "vignettes": ordered,
    "loyalty_before": ordered,
    "market": ordered,
    "list_count": counted,
    "list_arm": arm,
    "placebo_count": counted,
    "placebo_arm": arm,
    "direct": yes_or_no,
    "randomised": yes_or_no,
    "categorical": categorical,
    "continuous": continuous,
    "weight": weight,
    "respondent": respondent,
}
