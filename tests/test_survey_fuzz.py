"""Surveys by chance: any table or file either validates or is refused, and the order of rows changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from largesse.districts import district_table
from largesse.errors import InputError, LargesseError
from largesse.study import Study, read_toml
from largesse.survey import Survey, read_survey, validate

SETTINGS = settings(max_examples=60, derandomize=True, deadline=None)
COLUMNS = {
    "gift": "g",
    "loyalty": ["a", "b"],
    "loyalty_before": ["e"],
    "market": "m",
    "district": "d",
    "province": "p",
    "wave": "t",
    "respondent": "r",
    "weight": "w",
    "categorical": ["c"],
    "continuous": ["x"],
}
NAMES = ["g", "a", "b", "e", "m", "d", "p", "t", "r", "w", "c", "x"]


def study(folder: Path = Path(), **changes: Any) -> Study:
    """A study with every role."""
    table = {"name": "a", "title": "A", "seed": 1, "models": ["m"], "survey": {"file": "s.csv"}, "columns": COLUMNS}
    return Study.from_table({**table, "missing": {"dont_know": [8], "refused": [9]}, **changes}, folder / "study.toml")


def is_clear(error: LargesseError) -> bool:
    """Each problem is said once, on one line, with its place, what was found and what was expected."""
    problems = error.problems if isinstance(error, InputError) else ()
    whole = all(p.where and p.found and p.expected and "\n" not in str(p) for p in problems)
    return bool(problems) and len(set(problems)) == len(problems) and whole


scalars = (
    st.none()
    | st.integers(-3, 99)
    | st.floats()
    | st.booleans()
    | st.text(max_size=6)
    | st.sampled_from(["0", "1", "1.0", "yes", "don't know", "refused", "8", "9", " ", "nan", "inf", "-1"])
    | st.dates().map(pd.Timestamp)
    | st.binary(max_size=2)
    | st.lists(st.integers(), max_size=2)
    | st.complex_numbers(max_magnitude=3)
)


def columns(n: int) -> st.SearchStrategy[Any]:
    """Answers of n people: anything at all, or such as a survey has."""
    return (
        st.lists(scalars, min_size=n, max_size=n)
        | st.lists(st.integers(0, 3), min_size=n, max_size=n)
        | st.lists(st.sampled_from(["0", "1", "", "8"]), min_size=n, max_size=n)
        | st.lists(st.sampled_from(["low", "high"]), min_size=n, max_size=n).map(
            lambda v: pd.Categorical(v, ["low", "high"], ordered=True)
        )
        | st.just(pd.date_range("2017-10-01", periods=n))
        | st.just(pd.array([None] * n, dtype="Int64"))
    )


@st.composite
def good(draw: st.DrawFn) -> pd.DataFrame:
    """A table that validates."""
    n = draw(st.integers(6, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    holes = draw(st.booleans())
    table = pd.DataFrame(
        {
            "g": np.arange(n) % 2,
            "a": rng.permutation(np.arange(n) % 4),
            "b": rng.choice(["low", "high", "8", "9"], n),
            "m": rng.permutation(np.arange(n) % 3),
            "e": rng.permutation(np.arange(n) % 3),
            "d": rng.choice(["ward 2", "ward 10", "Hyesan"], n),
            "p": "Ryanggang",
            "t": rng.integers(1, 12, n),
            "r": [f"id{i}" for i in range(n)],
            "w": rng.uniform(0.5, 2, n),
            "c": rng.choice(["core", "wavering", "hostile", "8"], n),
            "x": rng.normal(size=n),
        }
    ).astype(object)
    table.loc[[0, 1], "b"] = ["low", "high"]
    table.loc[2, ["g", "c"]] = [None, None] if holes else table.loc[2, ["g", "c"]].to_list()
    return table


@st.composite
def damaged(draw: st.DrawFn) -> pd.DataFrame:
    """A table that validates, with up to three columns replaced by anything, or left out."""
    table = draw(good())
    for name in draw(st.lists(st.sampled_from([*NAMES, "other", "name"]), max_size=3, unique=True)):
        column = draw(columns(len(table)) | st.none())
        table = table.drop(columns=name, errors="ignore") if column is None else table.assign(**{name: list(column)})
    return table


levels_of_some = st.dictionaries(
    st.sampled_from(["g", "a", "b", "e", "m", "d", "p", "t", "c"]),
    st.lists(st.sampled_from(["0", "1", "2", "low", "high", "8"]), unique=True),
    max_size=2,
)


@settings(SETTINGS, max_examples=200)
@given(table=damaged(), levels=levels_of_some, threshold=st.none() | st.integers(1, 3))
def test_any_table_validates_or_is_refused(table: pd.DataFrame, levels: dict[str, Any], threshold: int | None) -> None:
    """No table, however strange, ends in anything but a survey or a clear error of this package."""
    there = study(levels={"b": ["low", "high"], **levels}, gift={"threshold": threshold})
    try:
        survey = validate(table, there, "s.csv")
    except LargesseError as error:
        if not is_clear(error):
            raise
    else:
        assert set(survey.table["gift"]) == {0, 1}
        assert np.isfinite(survey.table[["x", "weight"]]).all(axis=None)
        assert all(survey.table[item].nunique() > 1 for item in ("a", "b", "market"))


@SETTINGS
@given(
    data=st.data(), names=st.lists(st.sampled_from(["wave", "province", "coverage", "population", "y"]), unique=True)
)
def test_any_district_table_is_indexed_or_refused(data: st.DataObject, names: list[str]) -> None:
    """No district table ends in anything but an indexed table or a clear error of this package."""
    asked = pd.DataFrame({"district": ["1", "2"], "wave": ["1", "1"]})
    table = pd.DataFrame({"district": [1, 2, 3], **{name: data.draw(columns(3)) for name in names}})
    table["district"] = data.draw(st.just([1, 2, 3]) | columns(3).map(list))
    try:
        known = district_table(table, "districts.csv", asked, by_wave=True)
    except LargesseError as error:
        if not is_clear(error):
            raise
    else:
        assert {("1", "1"), ("2", "1")} <= set(known.index)
        assert "coverage" not in known or known["coverage"].dropna().between(0, 1).all()


# --- files -----------------------------------------------------------------------------------------------------


def whole(name: str, path: Path) -> bytes:
    """The bytes of a survey file of some kind."""
    table = pd.DataFrame({"got": [0, 1, 0, 1], "trust": [1, 2, 3, 98], "said": ["yes", "no", "혜산", ""]})
    write = {
        "s.csv": lambda: table.to_csv(path, index=False),
        "s.parquet": lambda: table.to_parquet(path),
        "s.dta": lambda: pyreadstat.write_dta(table, str(path), variable_value_labels={"trust": {98: "unsure"}}),
        "s.sav": lambda: pyreadstat.write_sav(table, str(path), missing_ranges={"trust": [98]}),
    }
    write[name]()
    return path.read_bytes()


bytes_changed = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8)


@pytest.mark.parametrize("name", ["s.csv", "s.parquet", "s.dta", "s.sav"])
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """A file of any bytes, or a good file cut short or altered in places, is read or refused, whatever its kind."""
    path = tmp_path_factory.mktemp("fuzz") / name
    good_bytes = whole(name, path)
    there = study(path.parent, survey={"file": name}, columns={"gift": "got", "loyalty": ["trust"]})
    read_survey(there)

    def altered(places: list[tuple[float, int]]) -> bytes:
        content = bytearray(good_bytes)
        for place, byte in places:
            content[int(place * len(content))] = byte
        return bytes(content)

    cut = st.integers(0, len(good_bytes) - 1).map(lambda n: good_bytes[:n])

    @settings(SETTINGS, max_examples=150)
    @given(content=st.binary(max_size=200) | cut | bytes_changed.map(altered))
    def is_read_or_refused(content: bytes) -> None:
        path.write_bytes(content)
        try:
            read_survey(there)
        except LargesseError as error:
            if not is_clear(error):
                raise

    is_read_or_refused()


@SETTINGS
@given(
    content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | st.text("a1.=[]{}\"'\n-#:T", max_size=40)
)
def test_any_toml_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    """A study.toml of any bytes is a table or a clear error of this package, and so is a study made from the table."""
    path = tmp_path_factory.getbasetemp() / "study.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        Study.from_table(read_toml(path), path)
    except LargesseError as error:
        if not is_clear(error):
            raise


LEVELS = {"b": ["low", "high"], "a": ["0", "1", "2", "3"], "c": ["core", "wavering", "hostile"]}


def levels_of(survey: Survey) -> dict[str, tuple[str, ...]]:
    """The levels of every column."""
    return {name: column.levels for name, column in survey.codebook.items()}


@SETTINGS
@given(table=good(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(table: pd.DataFrame, seed: int) -> None:
    """A survey with its rows in another order has the same codebook, and the same rows."""
    there = study(levels={"b": LEVELS["b"]})
    order = np.random.default_rng(seed).permutation(len(table))
    survey, other = (validate(t, there, "s.csv") for t in (table, table.iloc[order]))
    assert survey.codebook == other.codebook
    assert survey.dropped == other.dropped
    kept = table["g"].notna().to_numpy()
    back = np.argsort(order[kept[order]])
    pd.testing.assert_frame_equal(survey.table, other.table.iloc[back].reset_index(drop=True))


@SETTINGS
@given(table=good(), times=st.integers(2, 4))
def test_collapsing_rows_does_not_alter_the_levels(table: pd.DataFrame, times: int) -> None:
    """With listed levels, repeated rows can be collapsed to one without a change of levels."""
    columns = {k: v for k, v in COLUMNS.items() if k != "respondent"}
    there = study(levels=LEVELS, columns=columns)
    many = pd.concat([table] * times + [table.iloc[:1]] * times, ignore_index=True)
    assert levels_of(validate(many, there, "s.csv")) == levels_of(validate(table, there, "s.csv"))


@SETTINGS
@given(table=good())
def test_every_row_is_kept_or_counted(table: pd.DataFrame) -> None:
    """Rows of the file are the respondents kept and the rows dropped, with nothing lost between."""
    survey = validate(table, study(levels=LEVELS), "s.csv")
    gone = sum(d.count for d in survey.dropped if d.role not in ("loyalty", "market", "loyalty_before"))
    assert survey.rows == len(survey.table) + gone
