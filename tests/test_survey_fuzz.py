"""Surveys by chance: any table either validates or is refused, and the order of rows changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from largesse.errors import LargesseError
from largesse.study import Study
from largesse.survey import Survey, validate

SETTINGS = settings(max_examples=100, derandomize=True, deadline=None)
COLUMNS = {
    "gift": "g",
    "loyalty": ["a", "b"],
    "market": "m",
    "district": "d",
    "province": "p",
    "wave": "t",
    "respondent": "r",
    "weight": "w",
    "categorical": ["c"],
    "continuous": ["x"],
}
NAMES = ["g", "a", "b", "m", "d", "p", "t", "r", "w", "c", "x"]


def study(**changes: Any) -> Study:
    """A study with every role."""
    table = {"name": "a", "title": "A", "seed": 1, "models": ["m"], "survey": {"file": "s.csv"}, "columns": COLUMNS}
    return Study.from_table({**table, "missing": {"dont_know": [8], "refused": [9]}, **changes}, Path("study.toml"))


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
)
columns = (
    st.lists(scalars, min_size=6, max_size=6)
    | st.lists(st.integers(0, 3), min_size=6, max_size=6)
    | st.lists(st.sampled_from(["0", "1", "", "8"]), min_size=6, max_size=6)
    | st.lists(st.sampled_from(["low", "high"]), min_size=6, max_size=6).map(
        lambda v: pd.Categorical(v, ["low", "high"], ordered=True)
    )
)
tables = st.fixed_dictionaries({}, optional=dict.fromkeys([*NAMES, "other", "name"], columns))
settings_of_levels = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(["0", "1", "2", "low", "high", "8"]), unique=True), max_size=3
)


@SETTINGS
@given(raw=tables, levels=settings_of_levels, threshold=st.none() | st.integers(1, 3))
def test_any_table_validates_or_is_refused(raw: dict[str, Any], levels: dict[str, Any], threshold: int | None) -> None:
    """No table, however strange, ends in anything but a survey or an error of this package."""
    try:
        survey = validate(pd.DataFrame(raw), study(levels=levels, gift={"threshold": threshold}), "s.csv")
    except LargesseError as error:
        assert str(error)
    else:
        assert len(survey.table) > 0


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
    gone = sum(d.count for d in survey.dropped if d.role not in ("loyalty", "market"))
    assert survey.rows == len(survey.table) + gone
