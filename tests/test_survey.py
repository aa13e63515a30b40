"""Surveys: what a file becomes, and how each thing that can be wrong with it is answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from largesse.errors import InputError, Problem
from largesse.results import Dropped
from largesse.study import Study
from largesse.survey import Survey, conform, read_survey, schema, validate

NAN = float("nan")
TRUST = ("never", "sometimes", "always")
RAW: dict[str, list[Any]] = {
    "who": [f"r{i}" for i in range(8)],
    "ri": [10, 2, 10, 2, 10, 2, 10, 2],
    "round": [1, 1, 2, 2, 1, 1, 2, 2],
    "got": [0, 1, 0, 1, 1, 0, 1, 0],
    "trust": [1, 2, 3, 98, 99, NAN, 2, 1],
    "pride": ["never", "always", "sometimes", "never", "always", "never", "sometimes", "refused"],
    "trade": [0, 1, 2, 0, 1, 2, NAN, 0],
    "songbun": ["core", "wavering", "core", "98", "hostile", "core", None, "wavering"],
    "age": [20, 30.5, 40, 50, 60, 70, 80, 90],
    "w": [1, 2, 1, 2, 1, 2, 1, 2],
}
COLUMNS: dict[str, Any] = {
    "gift": "got",
    "loyalty": ["trust", "pride"],
    "market": "trade",
    "district": "ri",
    "wave": "round",
    "respondent": "who",
    "weight": "w",
    "categorical": ["songbun"],
    "continuous": ["age"],
}


def study(folder: Path = Path(), **changes: Any) -> Study:
    """A study of the table above with some of its tables exchanged."""
    table = {
        "name": "hyesan",
        "title": "Holiday gifts",
        "seed": 1,
        "models": ["reported_loyalty"],
        "survey": {"file": "survey.csv"},
        "columns": COLUMNS,
        "levels": {"pride": TRUST},
        "missing": {"dont_know": ["98"], "refused": ["99", "refused"]},
        **changes,
    }
    return Study.from_table(table, folder / "study.toml")


def only(**columns: Any) -> dict[str, Any]:
    """A study's changes so that it has these columns alone."""
    return {"columns": columns, "levels": {}}


def surveyed(raw: dict[str, Any] | None = None, **changes: Any) -> Survey:
    """The table above with some columns exchanged, validated."""
    return validate(pd.DataFrame({**RAW, **(raw or {})}), study(**changes), "survey.csv")


def problems(make: Callable[[], object]) -> tuple[Problem, ...]:
    """The problems that `make` is refused for."""
    with pytest.raises(InputError) as caught:
        make()
    return caught.value.problems


# --- what a survey is ------------------------------------------------------------------------------------------


def test_the_table_is_canonical() -> None:
    """Columns have canonical names, in the order of roles, and the respondent's id is not among them."""
    table = surveyed().table
    assert list(table) == ["district", "wave", "gift", "trust", "pride", "market", "songbun", "age", "weight"]
    assert table["gift"].dtype == np.int8
    assert table["age"].dtype == table["weight"].dtype == np.float64
    assert list(table.index) == list(range(8))


def test_levels_are_in_their_order() -> None:
    """Districts sort by number, items by their scale, covariates by frequency with what is missing at the end."""
    categories = {name: tuple(s.cat.categories) for name, s in surveyed().table.select_dtypes("category").items()}
    assert categories == {
        "district": ("2", "10"),
        "wave": ("1", "2"),
        "trust": ("1", "2", "3"),
        "pride": TRUST,
        "market": ("0", "1", "2"),
        "songbun": ("core", "wavering", "hostile", "don't know", "no answer"),
    }
    assert surveyed().table["trust"].cat.ordered
    assert not surveyed().table["district"].cat.ordered


def test_what_is_missing_is_counted() -> None:
    """Don't know, refused and blank answers are NaN in an item, and counted by kind."""
    survey = surveyed()
    trust = survey.codebook["trust"]
    assert (trust.dont_know, trust.refused, trust.missing) == (1, 1, 1)
    assert survey.table["trust"].isna().sum() == 3
    assert survey.dropped == (
        Dropped("loyalty", "trust", "don't know", 1),
        Dropped("loyalty", "trust", "refused", 1),
        Dropped("loyalty", "trust", "no answer", 1),
        Dropped("loyalty", "pride", "refused", 1),
        Dropped("market", "trade", "no answer", 1),
    )


def test_the_codebook_knows_file_and_role() -> None:
    """The codebook is keyed as the table is, and remembers the column's name in the file and its role."""
    book = surveyed().codebook
    assert {name: (c.name, c.role) for name, c in book.items()} == {
        "district": ("ri", "district"),
        "wave": ("round", "wave"),
        "gift": ("got", "gift"),
        "trust": ("trust", "loyalty"),
        "pride": ("pride", "loyalty"),
        "market": ("trade", "market"),
        "songbun": ("songbun", "categorical"),
        "age": ("age", "continuous"),
        "weight": ("w", "weight"),
        "respondent": ("who", "respondent"),
    }


@pytest.mark.parametrize("column", ["got", "ri", "round", "age"])
def test_a_respondent_without_what_is_needed_is_dropped(column: str) -> None:
    """A row without gift, district, wave or a number is left out and counted once."""
    survey = surveyed({column: [None, *RAW[column][1:]]})
    rows = [d for d in survey.dropped if d.role not in ("loyalty", "market")]
    assert rows == [Dropped(COLUMNS_BACK[column], column, "no answer", 1)]
    assert survey.rows == len(survey.table) + 1


COLUMNS_BACK = {"got": "gift", "ri": "district", "round": "wave", "age": "continuous"}


def test_a_row_is_dropped_for_one_reason_only() -> None:
    """A row that lacks two things is counted under the first, so that counts add up."""
    survey = surveyed({"got": [98, None, *RAW["got"][2:]], "age": [None, None, None, *RAW["age"][3:]]})
    rows = {(d.column, d.reason): d.count for d in survey.dropped if d.role not in ("loyalty", "market")}
    assert rows == {("got", "don't know"): 1, ("got", "no answer"): 1, ("age", "no answer"): 1}
    assert survey.rows - len(survey.table) == 3


def test_items_asked_before_the_gift_are_ordered_and_are_no_loyalty_items() -> None:
    """They are read as items are, stand behind the market, and whoever did not answer them stays and is counted."""
    once = ["never", "always", "sometimes", "98", None, "always", "refused", "never"]
    changes = {"columns": {**COLUMNS, "loyalty_before": ["once"]}, "levels": {"pride": TRUST, "once": TRUST}}
    survey, without = surveyed({"once": once}, **changes), surveyed()
    assert list(survey.table) == [*list(without.table)[:6], "once", *list(without.table)[6:]]
    assert survey.table["once"].cat.ordered
    assert tuple(survey.table["once"].cat.categories) == TRUST
    assert survey.table["once"].isna().sum() == 3
    assert (survey.items, survey.before) == (without.items, ("once",))
    assert without.before == ()
    assert survey.codebook["once"].role == "loyalty_before"
    assert len(survey.table) == len(without.table)
    assert survey.dropped == (
        *without.dropped,
        *(Dropped("loyalty_before", "once", reason, 1) for reason in ("don't know", "refused", "no answer")),
    )


def test_missing_codes_are_codes_of_answers_only() -> None:
    """A district numbered as a missing code is a district."""
    survey = surveyed({"ri": [98, 2] * 4})
    assert survey.codebook["district"].levels == ("2", "98")


def test_a_listed_level_is_never_missing() -> None:
    """A code that a column lists among its levels is a level there."""
    survey = surveyed(levels={"pride": TRUST, "trust": ["1", "2", "3", "98"]})
    assert survey.codebook["trust"].levels == ("1", "2", "3", "98")
    assert survey.codebook["trust"].dont_know == 0


def test_roles_are_optional() -> None:
    """A gift alone is a survey; its weight is 1."""
    survey = surveyed(**only(gift="got"))
    assert list(survey.table) == ["gift", "weight"]
    assert (survey.table["weight"] == 1.0).all()
    assert survey.items == ()


@pytest.mark.parametrize(
    ("answers", "changes"),
    [
        ([False, True] * 4, {}),
        (["No", "YES"] * 4, {}),
        (["0", "1.0"] * 4, {}),
        ([0, 3, 1, 2, 1, 7, 0, 2], {"gift": {"threshold": 2}}),
        (["nothing", "rice"] * 4, {"levels": {"pride": TRUST, "got": ["nothing", "rice"]}}),
    ],
)
def test_ways_to_have_received(answers: list[Any], changes: dict[str, Any]) -> None:
    """Received is 1, yes, true, at least the threshold, or the second of two listed levels."""
    assert surveyed({"got": answers}, **changes).table["gift"].tolist() == [0, 1] * 4


def test_listed_covariates_keep_their_reference() -> None:
    """The first listed level is the reference; a level that nobody gave is left out."""
    listed = {"pride": TRUST, "songbun": ["hostile", "special", "wavering", "core"]}
    levels = surveyed(levels=listed).codebook["songbun"].levels
    assert levels == ("hostile", "wavering", "core", "don't know", "no answer")


def test_the_print_of_a_survey_is_short() -> None:
    """A survey prints its size and the names of its items, and no answers."""
    assert repr(surveyed()) == "<Survey: 8 respondents kept of 8 rows; 2 districts; 2 waves; items: trust, pride>"


def test_districts_are_checked_with_the_survey() -> None:
    """A district table is indexed by district and wave of the survey."""
    known = pd.DataFrame({"district": [2, 10], "coverage": [0.2, 0.4]})
    survey = validate(pd.DataFrame(RAW), study(), "survey.csv", known)
    assert survey.districts is not None
    assert survey.districts["coverage"].to_dict() == {
        ("2", "1"): 0.2,
        ("2", "2"): 0.2,
        ("10", "1"): 0.4,
        ("10", "2"): 0.4,
    }


# --- what can be wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "changes", "key", "said"),
    [
        ({"got": [0, 1, 2, 1, 1, 0, 1, 0]}, {}, "got", "the answer '2'"),
        ({"got": [0, 1, -1, 1, 1, 0, 1, 0]}, {"gift": {"threshold": 1}}, "got", "a count of gifts"),
        ({"got": [0, 1, 1.5, 1, 1, 0, 1, 0]}, {"gift": {"threshold": 1}}, "got", "the answer '1.5'"),
        ({"got": ["a", "b"] * 4}, {"levels": {"pride": TRUST, "got": list("abc")}}, "got", "two levels"),
        ({"trust": [1] * 8}, {}, "trust", "the single answer '1'"),
        ({"trust": [98, NAN] * 4}, {}, "trust", "no answers at all"),
        ({"trust": ["a", "b"] * 4}, {}, "trust", "an unordered item"),
        ({"trade": ["a", "b"] * 4}, {}, "trade", "an unordered item"),
        ({"pride": ["always", "NEVER"] * 4}, {}, "pride", "the answer 'NEVER'"),
        ({"once": ["a", "b"] * 4}, {"columns": {**COLUMNS, "loyalty_before": ["once"]}}, "once", "an unordered item"),
        ({"once": [1] * 8}, {"columns": {**COLUMNS, "loyalty_before": ["once"]}}, "once", "the single answer '1'"),
        ({"pride": [f"wrong {i}" for i in range(8)]}, {}, "pride", "'wrong 0', 'wrong 1', 'wrong 2' and 5 more"),
        ({"pride": ["x" * 90, *RAW["pride"][1:]]}, {}, "pride", "'" + "x" * 23 + "…'"),
        ({"trust": [[1], [2]] * 4}, {}, "trust", "neither numbers nor text"),
        ({"age": ["old", *RAW["age"][1:]]}, {}, "age", "1 values that are not numbers"),
        ({"age": [float("inf"), *RAW["age"][1:]]}, {}, "age", "1 values that are not numbers"),
        ({"age": pd.date_range("2017-10-01", periods=8)}, {}, "age", "dates"),
        ({"w": [-1, *RAW["w"][1:]]}, {}, "w", "1 negative weights"),
        ({"w": [None, *RAW["w"][1:]]}, {}, "w", "1 missing weights"),
        ({"w": [0] * 8}, {}, "w", "sum to 0"),
        ({"w": [0, 1] * 4}, {}, "w", "weights that sum to 0 for '10 in wave 1', '10 in wave 2'"),
        ({"w": [0, 1, 1, 1] * 2}, {}, "w", "weights that sum to 0 for '10 in wave 1'"),
        ({"w": [b"\x80", *RAW["w"][1:]]}, {}, "w", "1 values that are not numbers"),
        ({"age": ["1_000", *RAW["age"][1:]]}, {}, "age", "1 values that are not numbers"),
        ({"got": [0] * 8}, {}, "got", "nobody who received"),
        ({"got": [1] * 8}, {}, "got", "nobody who was passed over"),
        ({"who": ["r0", "r4", "r2", "r3", "r4", "r5", "r6", "r7"]}, {}, "who", "1 respondents with more than one row"),
        ({"who": ["r0", "r1", "r0", "r1", "r4", "r5", "r6", "r7"]}, {}, "who", "2 respondents in more than one wave"),
    ],
)
def test_a_mistake_is_one_problem(raw: dict[str, Any], changes: dict[str, Any], key: str, said: str) -> None:
    """Each mistake in an answer is one problem that names the file and the column."""
    (problem,) = problems(lambda: surveyed(raw, **changes))
    assert (problem.where, problem.key) == ("survey.csv", f"column '{key}'")
    assert said in str(problem)


def test_an_item_needs_two_answers_among_those_kept() -> None:
    """An item that varies only among dropped respondents is refused."""
    raw = {"got": [0, 1, None, 1, 1, 0, 1, 0], "trust": [1, 1, 2, 1, 1, 1, 1, 1]}
    (problem,) = problems(lambda: surveyed(raw))
    assert "fewer than two different answers among the respondents kept" in str(problem)


@pytest.mark.parametrize("near", ["prdie", "Pride", "PRIDE"])
def test_a_missing_column_has_its_nearest_names(near: str) -> None:
    """A column that the file lacks is answered with the names that come closest."""
    (problem,) = problems(lambda: validate(pd.DataFrame(RAW).rename(columns={"pride": near}), study(), "s.csv"))
    assert str(problem) == f"s.csv, column 'pride': found no such column; expected perhaps {near!r}"


def test_a_missing_column_without_a_near_name_is_not_guessed() -> None:
    """A column like no other is answered with how many there are."""
    (problem,) = problems(lambda: validate(pd.DataFrame(RAW).rename(columns={"pride": "q17"}), study(), "s.csv"))
    assert problem.expected == "one of the 10 columns of the file"


def test_a_district_lies_in_one_province() -> None:
    """A district under two provinces is refused."""
    raw = {"do": ["North", "North", "South", "North"] * 2}
    (problem,) = problems(lambda: surveyed(raw, columns={**COLUMNS, "province": "do"}))
    assert problem.key == "column 'do'"
    assert "more than one province for district '10'" in str(problem)


def test_all_rows_dropped_is_an_error() -> None:
    """A survey in which nobody can be kept is refused with one problem."""
    (problem,) = problems(lambda: surveyed({"got": [None] * 8}))
    assert "no respondent" in problem.found


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_needs_rows_and_columns(rows: int) -> None:
    """A table without rows, or without columns, is refused."""
    table = pd.DataFrame(RAW).iloc[:0] if rows == 0 else pd.DataFrame(index=[0])
    assert "an empty table" in problems(lambda: validate(table, study(), "s.csv"))[0].found


def test_columns_of_one_name_are_refused() -> None:
    """Two columns of the same name are refused."""
    table = pd.concat([pd.DataFrame(RAW), pd.DataFrame({"age": range(8)})], axis=1)
    (problem,) = problems(lambda: validate(table, study(), "s.csv"))
    assert str(problem) == "s.csv, column 'age': found 2 columns of this name; expected one"


def test_names_of_columns_are_text() -> None:
    """A column without a name in words is refused."""
    (problem,) = problems(lambda: validate(pd.DataFrame(RAW).rename(columns={"age": 3}), study(), "s.csv"))
    assert "not text" in problem.found


def test_a_district_file_needs_a_district_role() -> None:
    """A study with a district file must say which column is the district."""
    changes = only(gift="got") | {"survey": {"file": "survey.csv", "districts": "districts.csv"}}
    (problem,) = problems(lambda: surveyed(**changes))
    assert (problem.where, problem.key) == ("districts.csv", "key 'columns.district'")


@pytest.mark.parametrize(
    ("estimands", "key", "said"),
    [
        (
            {"market_shares": [0.2, 0.5, 0.9]},
            "market_shares",
            "found 3 shares; expected 2, one for each answer above '0'",
        ),
        (
            {"at": [{"name": "a", "label": "A", "values": {"songbun": "cor"}}]},
            "at.0.values.songbun",
            "'cor'; expected one",
        ),
        ({"at": [{"name": "a", "label": "A", "values": {"songbun": "98"}}]}, "at.0.values.songbun", "core, wavering, "),
    ],
)
def test_what_is_asked_must_be_in_the_survey(estimands: dict[str, Any], key: str, said: str) -> None:
    """Shares of market bands and levels of a profile are held against the survey, and the key of study.toml named."""
    (problem,) = problems(lambda: surveyed(estimands=estimands))
    assert (problem.where, problem.key) == ("study.toml", f"key 'estimands.{key}'")
    assert said in str(problem)


def test_what_is_asked_and_in_the_survey_is_taken() -> None:
    """A share for each market answer above the lowest, and a profile of levels and numbers, validate."""
    profile = {"name": "a", "label": "A", "values": {"songbun": "don't know", "age": 20}}
    surveyed(estimands={"market_shares": [0.2, 0.9], "at": [profile]})


def test_all_mistakes_are_named_together() -> None:
    """Mistakes of several columns, of the district file and identifiers are one error with a problem each."""
    raw = {"got": [2] * 8, "trust": [1] * 8, "w": [-1] * 8, "mail": ["a@b.org"] * 8}
    table = pd.DataFrame({**RAW, **raw}).drop(columns="age")
    known = pd.DataFrame({"district": [2, 10], "coverage": [0.2, 1.4]})
    found = problems(lambda: validate(table, study(), "survey.csv", known))
    assert sorted(p.key for p in found) == [f"column '{c}'" for c in ("age", "coverage", "got", "mail", "trust", "w")]


def test_a_schema_that_fails_is_an_input_error_without_values() -> None:
    """The last check names column and rule, and repeats no value."""
    survey = surveyed()
    (problem,) = problems(lambda: conform(survey.table.assign(gift=np.int8(77)), schema(survey.codebook), "s.csv"))
    assert problem.key == "column 'gift'"
    assert "77" not in str(problem)


# --- identifiers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("name", ["Kim"]),
        ("respondentSurname", ["Kim"]),
        ("mobile", ["8210123456"]),
        ("Tel.", ["555-1234"]),
        ("e-mail", ["none given"]),
        ("home_address", ["Wiyon-dong 4"]),
        ("passport no", ["M1234"]),
        ("national_id", ["1234567"]),
        ("이름", ["김"]),
        ("notes", ["write to kim@example.org", "", "nothing", "nothing"]),
        ("notes", ["+82 10-1234-5678"]),
        ("notes", ["010-1234-5678"]),
        ("notes", ["01012345678"]),
        ("notes", ["212.555.0123 "]),
    ],
)
def test_identifiers_are_refused(header: str, values: list[str]) -> None:
    """A column whose header or content looks like an identifier is refused, and its values are not repeated."""
    column = (values * 8)[:8]
    (problem,) = problems(lambda: surveyed({header: column}))
    assert problem.key == f"column '{header}'"
    assert "remove the column" in problem.expected
    assert not any(v in str(problem) for v in column if v)


@pytest.mark.parametrize("answers", [["kim@example.org"], ["010-1234-5678"]])
def test_a_respondent_id_may_not_be_an_address(answers: list[str]) -> None:
    """The respondent column may be called anything, but may not hold e-mail addresses or phone numbers."""
    changes = {"columns": {**COLUMNS, "respondent": "name"}}
    surveyed({"name": RAW["who"]}, **changes)
    (problem,) = problems(lambda: surveyed({"name": answers * 8}, **changes))
    assert "looks like" in problem.found


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("production", [123_456_789, 912_345_678]),
        ("income", ["1234567890", "3.000.000.000"]),
        ("has_mobile", ["yes", "no"]),
        ("phone", [0, 1]),
        ("interviewed", ["2017-10-05", "2017-10-06"]),
        ("band", ["100000-200000", "200000-300000"]),
        ("nameless", ["a", "b"]),
        ("hotel", ["a", "b"]),
        ("said", ["at 5 p.m.", "@home"]),
    ],
)
def test_what_only_resembles_an_identifier_is_read(header: str, values: list[Any]) -> None:
    """Amounts, dates, bands and yes-or-no questions about phones are not identifiers."""
    assert surveyed({header: values * 4}).rows == 8


def test_districts_may_have_names() -> None:
    """A district column may be headed as a name: it names a place."""
    columns = {**COLUMNS, "district": "district_name"}
    assert surveyed({"district_name": ["Hyesan", "Kim"] * 4}, columns=columns).rows == 8


def test_a_few_accidents_are_tolerated() -> None:
    """A column is judged by more than a tenth of its answers."""
    table = pd.concat([pd.DataFrame(RAW).drop(columns="who")] * 5, ignore_index=True)
    columns = {k: v for k, v in COLUMNS.items() if k != "respondent"}
    table["notes"] = ["x@example.org"] * 4 + ["nothing"] * 36
    assert validate(table, study(columns=columns), "s.csv").rows == 40


# --- files -----------------------------------------------------------------------------------------------------


def as_csv(table: pd.DataFrame, path: Path) -> None:
    """Write without an index."""
    table.to_csv(path, index=False)


def as_stata(table: pd.DataFrame, path: Path) -> None:
    """Write with a question's wording."""
    pyreadstat.write_dta(table, str(path), column_labels={"trust": "Do you trust the office?"})


def as_spss(table: pd.DataFrame, path: Path) -> None:
    """Write with a question's wording."""
    pyreadstat.write_sav(table, str(path), column_labels={"trust": "Do you trust the office?"})


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "survey.csv": as_csv,
    "survey.parquet": lambda table, path: table.to_parquet(path),
    "survey.dta": as_stata,
    "survey.sav": as_spss,
}
every_kind = pytest.mark.parametrize("name", WRITERS)


@every_kind
def test_every_kind_of_file_gives_the_same_survey(tmp_path: Path, name: str) -> None:
    """CSV, Parquet, Stata and SPSS files of one table become the same survey."""
    raw = pd.DataFrame(RAW)
    WRITERS[name](raw, tmp_path / name)
    survey = read_survey(study(tmp_path, survey={"file": name}))
    expected = surveyed()
    pd.testing.assert_frame_equal(survey.table, expected.table)
    assert survey.dropped == expected.dropped
    assert {n: c.levels for n, c in survey.codebook.items()} == {n: c.levels for n, c in expected.codebook.items()}


@pytest.mark.parametrize("name", ["survey.dta", "survey.sav"])
def test_value_labels_are_levels_in_the_order_of_their_codes(tmp_path: Path, name: str) -> None:
    """Labels of the file name and order the levels; missing codes count by code or by label."""
    labels = {
        "got": {0: "Received nothing", 1: "Received"},
        "trust": {1: "never", 2: "sometimes", 3: "always", 98: "Don't know", 99: "Refused"},
        "round": {1: "before", 2: "after"},
    }
    write = pyreadstat.write_dta if name.endswith("dta") else pyreadstat.write_sav
    write(pd.DataFrame(RAW), str(tmp_path / name), variable_value_labels=labels, column_labels={"trust": "Trust?"})
    missing = {"dont_know": ["98"], "refused": ["Refused", "refused"]}
    survey = read_survey(study(tmp_path, survey={"file": name}, missing=missing))
    trust = survey.codebook["trust"]
    assert (trust.levels, trust.label, trust.dont_know, trust.refused) == (TRUST, "Trust?", 1, 1)
    assert survey.codebook["wave"].levels == ("before", "after")
    assert survey.table["gift"].tolist() == RAW["got"]


def test_missing_values_declared_in_the_file_are_blanks(tmp_path: Path) -> None:
    """An SPSS user-missing code that the study does not name is a blank."""
    ranges = {"trust": [98, {"lo": 99, "hi": 99}]}
    pyreadstat.write_sav(pd.DataFrame(RAW), str(tmp_path / "survey.sav"), missing_ranges=ranges)
    survey = read_survey(study(tmp_path, survey={"file": "survey.sav"}, missing={"refused": ["99", "refused"]}))
    trust = survey.codebook["trust"]
    assert (trust.levels, trust.refused, trust.missing) == (("1", "2", "3"), 1, 2)


def test_stata_missing_values_are_told_apart(tmp_path: Path) -> None:
    """Stata's .a to .z mean what the study says, by name or by label; the plain one is a blank, and never 0."""
    got = [1, 0, 1, "a", "b", NAN, 0, 1]
    tags = {"got": ["a", "b"]}
    labels = {"got": {0: "no", 1: "yes", "b": "won't say"}}
    table = pd.DataFrame({"got": pd.Series(got, dtype=object)})
    pyreadstat.write_dta(table, str(tmp_path / "a.dta"), missing_user_values=tags)
    pyreadstat.write_dta(table, str(tmp_path / "b.dta"), missing_user_values=tags, variable_value_labels=labels)
    for name, refused in (("a.dta", ".b"), ("b.dta", "won't say"), ("b.dta", ".b")):
        changes = {"survey": {"file": name}, "missing": {"dont_know": [".a"], "refused": [refused]}}
        survey = read_survey(study(tmp_path, **only(gift="got") | changes))
        column = survey.codebook["gift"]
        assert (column.dont_know, column.refused, column.missing) == (1, 1, 1)
        assert survey.table["gift"].tolist() == [1, 0, 1, 0, 1]


def test_the_study_goes_before_the_file(tmp_path: Path) -> None:
    """A code that the file declares missing and the study calls don't know is a don't know, whatever its label."""
    pyreadstat.write_sav(
        pd.DataFrame(RAW),
        str(tmp_path / "survey.sav"),
        missing_ranges={"trust": [98, 99]},
        variable_value_labels={"trust": {98: "Cannot say", 99: "Silence"}},
    )
    survey = read_survey(study(tmp_path, survey={"file": "survey.sav"}))
    trust = survey.codebook["trust"]
    assert (trust.levels, trust.dont_know, trust.refused, trust.missing) == (("1", "2", "3"), 1, 1, 1)


def test_a_labelled_number_is_a_number(tmp_path: Path) -> None:
    """A number that carries a label (0 = none) is that number, in a covariate and in a count of gifts."""
    raw = pd.DataFrame({**RAW, "got": [0, 3, 1, 2, 1, 7, 0, 2], "age": [0, *RAW["age"][1:]]})
    labels = {"got": {0: "none"}, "age": {0: "less than a year", 90: "90 or older"}}
    pyreadstat.write_sav(raw, str(tmp_path / "survey.sav"), variable_value_labels=labels)
    survey = read_survey(study(tmp_path, survey={"file": "survey.sav"}, gift={"threshold": 2}))
    assert survey.table["gift"].tolist() == [0, 1] * 4
    assert survey.table["age"].tolist() == raw["age"].tolist()


def test_wording_that_asks_for_a_name_is_an_identifier(tmp_path: Path) -> None:
    """A column is judged by the file's wording of its question as by its header."""
    raw = pd.DataFrame({**RAW, "q17": ["Kim"] * 8})
    pyreadstat.write_sav(raw, str(tmp_path / "survey.sav"), column_labels={"q17": "Respondent's full name"})
    (problem,) = problems(lambda: read_survey(study(tmp_path, survey={"file": "survey.sav"})))
    assert (problem.key, problem.found) == ("column 'q17'", "a column that looks like a name")


def test_a_long_id_keeps_its_digits(tmp_path: Path) -> None:
    """Ids that differ in their seventeenth digit are different people, even where another id is blank."""
    ids = [20171012000000001, 20171012000000002, None, *range(5)]
    pd.DataFrame({**RAW, "who": pd.array(ids, dtype="Int64")}).to_parquet(tmp_path / "survey.parquet")
    assert len(read_survey(study(tmp_path, survey={"file": "survey.parquet"})).table) == 8


def test_a_folder_named_as_a_partition_adds_no_column(tmp_path: Path) -> None:
    """A Parquet file holds its columns and no others, wherever it lies."""
    (tmp_path / "w=1").mkdir()
    pd.DataFrame(RAW).drop(columns="w").to_parquet(tmp_path / "w=1" / "survey.parquet")
    (problem,) = problems(lambda: read_survey(study(tmp_path, survey={"file": "w=1/survey.parquet"})))
    assert problem.key == "column 'w'"


def test_a_csv_file_keeps_its_text(tmp_path: Path) -> None:
    """Leading zeros, quoted line breaks, a byte-order mark and other encodings survive; NA is a blank."""
    text = 'ri,got,note\n01,0,"two\nlines"\n1,1,x\n01,NA,y\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8-sig")
    (tmp_path / "b.csv").write_text(text.replace("01", "혜산"), encoding="cp949")
    roles = only(gift="got", district="ri")
    first = read_survey(study(tmp_path, **roles, survey={"file": "a.csv"}))
    second = read_survey(study(tmp_path, **roles, survey={"file": "b.csv", "encoding": "cp949"}))
    assert first.codebook["district"].levels == ("01", "1")
    assert second.codebook["district"].levels == ("1", "혜산")
    assert (first.rows, len(first.table)) == (3, 2)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "an empty file"),
        ("a.csv", b"got,age\n", "an empty table"),
        ("a.csv", b"got,age\n0,1\n1\n", "1 fields at line 3; expected 2"),
        ("a.csv", b"got,age\n0,1,2\n", "3 fields at line 2; expected 2"),
        ("a.csv", b"got,got\n0,1\n", "column 'got': found 2 columns"),
        ("a.csv", b"got;age\n0;1\n", "a header without commas"),
        ("a.csv", b'got,age\n0,1\n1,"2\n0,1\n', "never closed"),
        ("a.csv", b"got,age\n0,\xe9\n", "not utf-8 at offset 10; expected text in the encoding of key 'survey.enc"),
        ("a.csv", b"got,\xe9\n0,1\n", "not utf-8 at offset"),
        ("a.parquet", b"PAR1", "truncated or not Parquet"),
        ("a.parquet", b"", "truncated or not Parquet"),
        ("a.dta", b"<stata_dta>", "truncated or not Stata"),
        ("a.sav", b"$FL2", "truncated or not SPSS"),
        ("a.xlsx", b"PK", "a file ending in '.xlsx'"),
        ("a", b"got", "without an ending"),
    ],
)
def test_a_damaged_file_is_one_problem(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """A file that cannot be read whole is answered with its name and what is wrong with it."""
    (tmp_path / name).write_bytes(content)
    (problem,) = problems(lambda: read_survey(study(tmp_path, **only(gift="got"), survey={"file": name})))
    assert problem.where == name
    assert said in str(problem)


@every_kind
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_a_truncated_file_is_one_problem(tmp_path: Path, name: str, share: float) -> None:
    """A file cut in the middle of a row is refused with one problem that names it, whatever its kind."""
    WRITERS[name](pd.DataFrame(RAW), tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    (problem,) = problems(lambda: read_survey(study(tmp_path, survey={"file": name})))
    assert problem.where == name


def test_columns_of_one_name_in_a_file_are_refused(tmp_path: Path) -> None:
    """An SPSS file with two columns of one name is refused, not read with one of them renamed."""
    path = tmp_path / "survey.sav"
    pyreadstat.write_sav(pd.DataFrame({"GOT": [0, 1], "AAA": [1, 2], "BBB": [3, 4]}), str(path))
    path.write_bytes(path.read_bytes().replace(b"BBB", b"AAA"))
    (problem,) = problems(lambda: read_survey(study(tmp_path, **only(gift="GOT"), survey={"file": "survey.sav"})))
    assert str(problem) == "survey.sav, column 'AAA': found two columns of this name; expected one"


@pytest.mark.parametrize(
    ("text", "written", "read"), [("é", "utf-8", "ascii"), ("혜산", "cp949", "utf-8"), ("é", "latin-1", "utf-16")]
)
def test_a_wrong_encoding_is_one_problem(tmp_path: Path, text: str, written: str, read: str) -> None:
    """An encoding that does not fit the file is answered with the file and the key that names the encoding."""
    (tmp_path / "survey.csv").write_text(f"got,note\n0,{text}\n1,x\n", encoding=written)
    changes = only(gift="got") | {"survey": {"file": "survey.csv", "encoding": read}}
    (problem,) = problems(lambda: read_survey(study(tmp_path, **changes)))
    assert problem.where == "survey.csv"
    assert "survey.encoding" in str(problem)


def test_missing_files_are_named_together(tmp_path: Path) -> None:
    """A survey and a district file that are not there are two problems of one error."""
    files = {"file": "survey.csv", "districts": "districts.csv"}
    found = problems(lambda: read_survey(study(tmp_path, survey=files)))
    assert [(p.where, p.found) for p in found] == [(name, "no such file") for name in files.values()]


def test_a_survey_is_read_with_its_districts(tmp_path: Path) -> None:
    """A mistake in the district file is found together with those of the survey."""
    as_csv(pd.DataFrame({**RAW, "got": [3] * 8}), tmp_path / "survey.csv")
    (tmp_path / "districts.csv").write_text("district,coverage\n2,0.5\n2,0.1\n", encoding="utf-8")
    found = problems(lambda: read_survey(study(tmp_path, survey={"file": "survey.csv", "districts": "districts.csv"})))
    assert [(p.where, p.key) for p in found] == [
        ("survey.csv", "column 'got'"),
        ("districts.csv", "column 'district'"),
        ("districts.csv", "column 'district'"),
    ]
