"""The district file: how it is indexed, and how each mistake is answered."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from largesse.districts import ONE_WAVE, adjacent, district_table, places
from largesse.errors import InputError

ASKED = pd.DataFrame({"district": ["1", "2", "1", "2"], "wave": ["before", "before", "after", "after"]})
GOOD: dict[str, list[Any]] = {
    "district": [1, 2, 3],
    "province": ["North", "North", "South"],
    "population": [900, 1_200, 40],
    "coverage": [0.0, 1.0, 0.5],
    "market_access": [-0.2, 1.3, 0],
    "x": [0, 1, 2],
    "y": [0, 0, 1],
}


def checked(table: dict[str, Any], asked: pd.DataFrame = ASKED, *, by_wave: bool = True) -> pd.DataFrame:
    """The district table of a survey with two districts and two waves."""
    return district_table(pd.DataFrame(table), "districts.csv", asked, by_wave=by_wave)


def test_without_waves_every_wave_repeats_the_row() -> None:
    """A file without waves gives one row for each district and wave of the survey, unreached districts too."""
    table = checked(GOOD)
    assert table.index.names == ["district", "wave"]
    assert sorted(table.index) == [(d, w) for d in "123" for w in ("after", "before")]
    assert table.loc[("3", "after"), "population"] == 40
    assert (table.drop(columns="province").dtypes == "float64").all()


def test_waves_of_the_file_are_kept() -> None:
    """A file with waves gives coverage that changes with them."""
    table = checked({"district": [1, 2] * 2, "wave": ["before"] * 2 + ["after"] * 2, "coverage": [0.1, 0.2, 0.3, 0.4]})
    assert table.loc[("2", "after"), "coverage"] == 0.4


def test_a_survey_without_waves_has_one() -> None:
    """A survey without waves has one, called `all`."""
    table = checked(GOOD, pd.DataFrame({"district": ["1"], "wave": [ONE_WAVE]}), by_wave=False)
    assert list(table.index) == [("1", "all"), ("2", "all"), ("3", "all")]


def test_places_are_those_of_the_districts_that_have_one() -> None:
    """One place for each district, whatever its waves; a district without both numbers has none, nor has no file."""
    assert places(checked(GOOD)) == {"1": (0.0, 0.0), "2": (1.0, 0.0), "3": (2.0, 1.0)}
    assert places(checked({**GOOD, "y": [0, None, 1]})) == {"1": (0.0, 0.0), "3": (2.0, 1.0)}
    assert places(checked({"district": [1, 2]})) == places(None) == {}


def test_a_blank_number_stays_unknown() -> None:
    """A number that is not known may be left blank."""
    table = checked({**GOOD, "coverage": ["0.5", "", None]})
    assert math.isnan(table.loc[("2", "after"), "coverage"])


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"district": [1, 1, 2]}, "column 'district'", "more than one row for '1'"),
        ({"district": [1, 4, 3]}, "column 'district'", "no row for '2'"),
        ({"district": [1, 2, None]}, "column 'district'", "1 rows without a district"),
        ({"population": [0, 10, 10]}, "column 'population'", "numbers above 0"),
        ({"population": [-5, 10, 10]}, "column 'population'", "1 values out of range"),
        ({"population": ["many", 10, 10]}, "column 'population'", "1 values out of range or not numbers"),
        ({"population": [float("inf"), 10, 10]}, "column 'population'", "1 values out of range"),
        ({"coverage": [0.5, 1.2, -0.1]}, "column 'coverage'", "2 values out of range"),
        ({"x": ["west", 1, 1]}, "column 'x'", "tile coordinates"),
        ({"market_access": ["far", 1, 1]}, "column 'market_access'", "not numbers"),
        ({"coverge": [0, 0, 0]}, "column 'coverge'", "perhaps 'coverage'"),
        ({"zzz": [0, 0, 0]}, "column 'zzz'", "one of district, wave"),
        ({"wave": ["before"] * 3}, "column 'district'", "no row for '1 in wave after', '2 in wave after'"),
    ],
)
def test_a_mistake_is_one_problem(changes: dict[str, Any], key: str, said: str) -> None:
    """Each mistake in the district file is one problem that names the file and the column."""
    with pytest.raises(InputError) as caught:
        checked({**GOOD, **changes})
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == ("districts.csv", key)
    assert said in str(problem)


def test_a_district_and_wave_may_not_repeat() -> None:
    """With waves, a district may have a row for each wave, and no more."""
    with pytest.raises(InputError, match="one row per district and wave"):
        checked({"district": [1, 1, 2, 1, 2], "wave": ["before", "before", "before", "after", "after"]})


def test_waves_that_the_survey_has_not_are_refused() -> None:
    """A wave column needs a survey with waves."""
    with pytest.raises(InputError, match=r"columns\.wave"):
        checked({**GOOD, "wave": [1, 1, 1]}, pd.DataFrame({"district": ["1"], "wave": [ONE_WAVE]}), by_wave=False)


def test_the_district_column_is_needed() -> None:
    """A file without districts is refused."""
    with pytest.raises(InputError, match="column 'district': found no such column"):
        checked({"coverage": [0.1]})


def test_all_mistakes_are_named_together() -> None:
    """Several mistakes are one error with a problem each."""
    with pytest.raises(InputError) as caught:
        checked({**GOOD, "population": [0, 1, 1], "coverage": [2, 1, 1], "district": [1, 1, 2]})
    assert [p.key for p in caught.value.problems] == ["column 'district'", "column 'population'", "column 'coverage'"]


# --- which districts are adjacent ------------------------------------------------------------------------------


def beside(district: list[Any], neighbour: list[Any], **more: list[Any]) -> frozenset[tuple[str, str]]:
    """Adjacent districts of a survey of 1, 2 and 3; the district file knows 4 too."""
    table = pd.DataFrame({"district": district, "neighbour": neighbour, **more})
    return adjacent(table, "neighbours.csv", {"1", "2", "3"}, {"1", "2", "3", "4"})


def test_a_border_has_two_sides() -> None:
    """A border given once, twice or the other way round is one border, seen from both sides."""
    borders = {("1", "2"), ("2", "1"), ("2", "3"), ("3", "2")}
    assert beside([1, 2], [2, 3]) == borders
    assert beside([2.0, 3.0, 2.0], ["1", " 2", "3 "]) == borders


def test_districts_beyond_the_survey_may_be_neighbours() -> None:
    """A district that only the district file knows is a neighbour, and needs none itself."""
    assert ("3", "4") in beside([1, 4], [2, 3])


@pytest.mark.parametrize(
    ("district", "neighbour", "key", "said"),
    [
        ([1, 2, 5], [2, 3, 1], "column 'district'", "'5'; expected districts of the survey or the district file"),
        ([1, 2, 1], [2, 3, "x"], "column 'neighbour'", "found 'x'"),
        ([1, 2, 2], [2, 3, 2], "column 'neighbour'", "'2' beside itself"),
        ([1, 2, 2], [2, 3, None], "", "1 rows with a blank"),
        ([1], [2], "column 'district'", "no neighbour of '3'"),
    ],
)
def test_a_mistake_in_the_neighbours_is_one_problem(
    district: list[Any], neighbour: list[Any], key: str, said: str
) -> None:
    """Each mistake in the file of neighbours is one problem that names the file, the column and the district."""
    with pytest.raises(InputError) as caught:
        beside(district, neighbour)
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == ("neighbours.csv", key)
    assert said in str(problem)


def test_neighbours_have_two_columns() -> None:
    """Another column, or one that is missing, is refused with the columns that were found."""
    with pytest.raises(InputError, match="found the columns district, neighbour, length"):
        beside([1, 2], [2, 3], length=[4, 5])


def test_all_mistakes_in_the_neighbours_are_named_together() -> None:
    """Several mistakes are one error with a problem each."""
    with pytest.raises(InputError) as caught:
        beside([1, 1, 9], [1, None, 2])
    found = [p.found for p in caught.value.problems]
    assert found == ["1 rows with a blank", "'9'", "'1' beside itself", "no neighbour of '1', '3'"]
