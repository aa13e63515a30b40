"""Maps of exposure: what each respondent of three districts faces under each, by hand."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from largesse.errors import InputError
from largesse.exposure import coverage
from largesse.maps import MAPS, Exposure, Known, label, respondents
from largesse.settings import MapName

Array = np.ndarray[Any, np.dtype[Any]]
NEIGHBOURS = frozenset({("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")})  # a row: a - b - c


def people(wave: str = "1" * 9) -> pd.DataFrame:
    """Three districts; one of `low` is alone among the kin of a, one of `core` alone in b."""
    return pd.DataFrame(
        {
            "district": pd.Categorical(list("aaabbbbcc")),
            "wave": pd.Categorical(list(wave)),
            "gift": [1, 0, 1, 0, 1, 0, 0, 1, 1],
            "kin": pd.Categorical(["core", "core", "low", "core", "low", "low", "low", "core", "core"]),
        }
    )


def office(**rates: float) -> pd.DataFrame:
    """What offices say of the only wave: district -> share receiving."""
    index = pd.MultiIndex.from_tuples([(d, "1") for d in rates], names=["district", "wave"])
    return pd.DataFrame({"coverage": list(rates.values())}, index=index)


def under(
    name: str,
    districts: pd.DataFrame | None = None,
    neighbours: frozenset[tuple[str, str]] | None = NEIGHBOURS,
    table: pd.DataFrame | None = None,
) -> Exposure:
    """What everybody faces under a map."""
    table = people() if table is None else table
    return MAPS[name].of(Known(coverage(table, districts), table, districts, neighbours, "kin"))


def faced(name: str, districts: pd.DataFrame | None = None, **how: Any) -> Array:
    """[respondent] what each faces."""
    return respondents(under(name, districts, **how), people())


OTHERS = [1 / 2, 1, 1 / 2, 1 / 3, 0, 1 / 3, 1 / 3, 1, 1]
KIN = [0, 1, 1 / 2, 1 / 3, 0, 1 / 2, 1 / 2, 1, 1]  # the third and the fourth have no other, and face the district's


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rate", OTHERS),
        ("others", OTHERS),
        ("own_group", KIN),
        ("neighbours", [1 / 4] * 3 + [(2 / 3 + 1) / 2] * 4 + [1 / 4] * 2),
    ],
)
def test_of_a_sample_everybody_faces_the_others_gifts(name: str, expected: list[float]) -> None:
    """Without a district file every map counts gifts of respondents, never one's own."""
    np.testing.assert_allclose(faced(name), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rate", [0.2] * 3 + [0.4] * 4 + [0.7] * 2),
        ("others", OTHERS),
        ("own_group", [0, 1, 0.2, 0.4, 0, 1 / 2, 1 / 2, 1, 1]),
        ("neighbours", [0.4] * 3 + [0.45] * 4 + [0.4] * 2),
    ],
)
def test_where_offices_say_how_many_receive_maps_of_the_district_take_their_word(
    name: str, expected: list[float]
) -> None:
    """The receipt rate and the neighbours' are the offices'; the others asked and one's own group are the sample's."""
    np.testing.assert_allclose(faced(name, office(a=0.2, b=0.4, c=0.7)), expected)


@pytest.mark.parametrize("districts", [None, office(a=0.2, b=0.4, c=0.7)])
def test_the_receipt_rate_is_what_coverage_says_bit_for_bit(districts: pd.DataFrame | None) -> None:
    """The default map is the coverage itself: the same object, and the same numbers of every respondent."""
    table = people()
    known = Known(coverage(table, districts), table, districts)
    exposure = MAPS["rate"].of(known)
    assert exposure.coverage is known.coverage
    d, t = (table[name].cat.codes.to_numpy() for name in ("district", "wave"))
    np.testing.assert_array_equal(respondents(exposure, table), known.coverage.faced(d, t, table["gift"].to_numpy()))


@pytest.mark.parametrize("name", ["others", "own_group", "neighbours"])
def test_every_map_is_centred_where_the_receipt_rate_is(name: str) -> None:
    """A direct effect at average coverage is of one coverage under all maps."""
    districts = office(a=0.2, b=0.4, c=0.7)
    assert under(name, districts).coverage.center == under("rate", districts).coverage.center


@pytest.mark.parametrize("name", ["others", "own_group"])
def test_turning_ones_own_gift_changes_nothing_one_faces(name: str) -> None:
    """Under maps that count respondents, whoever would not have received would face the same."""
    table = people()
    for i in range(len(table)):
        turned = table.assign(gift=[1 - g if i == j else g for j, g in enumerate(table["gift"])])
        there = respondents(under(name, table=turned), turned)
        assert there[i] == pytest.approx(faced(name)[i])


def test_who_has_no_other_of_the_group_is_counted() -> None:
    """Two are alone in their group, and face their district's rate; under other maps nobody is."""
    assert {name: under(name).alone for name in MAPS} == {"rate": 0, "others": 0, "own_group": 2, "neighbours": 0}


def test_neighbours_that_were_not_asked_count_where_offices_know_them() -> None:
    """A district beyond the survey is a neighbour like any other, with the rate of its office."""
    beside = NEIGHBOURS | {("c", "z"), ("z", "c")}
    np.testing.assert_allclose(faced("neighbours", office(a=0.2, b=0.4, c=0.7, z=0.9), neighbours=beside)[-1], 0.65)
    np.testing.assert_allclose(faced("neighbours", neighbours=beside)[-1], 1 / 4)


def test_a_neighbour_counts_in_the_waves_in_which_it_was_asked() -> None:
    """In wave 2 only one of the two neighbours of b was asked, so its rate alone is faced."""
    exposure = under("neighbours", table=people("111122212"))
    np.testing.assert_allclose(exposure.coverage.rate[1], [(2 / 3 + 1) / 2, 1.0])


def test_neighbours_of_whom_nothing_is_known_are_refused() -> None:
    """Where no neighbour was asked in a wave, no rate is put in its place: the district and wave are named."""
    with pytest.raises(InputError, match="no neighbour whose rate is known for 'b' in wave '2'"):
        under("neighbours", table=people("111122211"))


def test_without_their_file_there_are_no_neighbours() -> None:
    """The key that would name the file is named."""
    with pytest.raises(InputError, match=r"key 'survey\.neighbours': found nothing"):
        under("neighbours", neighbours=None)


def test_only_what_the_sample_tells_is_noisy() -> None:
    """Maps that rest on offices' word have reliability 1; those that count respondents say how noisy they are."""
    districts = office(a=0.2, b=0.4, c=0.7)
    known = {name: under(name, districts).coverage for name in MAPS}
    assert {name: c.source for name, c in known.items()} == {
        "rate": "administrative",
        "others": "sample",
        "own_group": "sample",
        "neighbours": "administrative",
    }
    assert known["rate"].reliability == known["neighbours"].reliability == 1.0
    assert all(known[name].reliability < 1 for name in ("others", "own_group"))


def test_the_mean_of_neighbours_is_less_noisy_than_a_rate_by_as_much_as_they_are_many() -> None:
    """Averaging two neighbours halves the noise of what people face, and on a smooth ring leaves the signal.

    With 40 asked in each, a rate has noise variance p(1-p)/40, the mean of two independent ones half of that; rates
    that change smoothly along the ring keep their variance, so reliability rises from about .74 to about .85.
    """
    rng, names = np.random.default_rng(3), [f"{d:02d}" for d in range(60)]
    ring = frozenset((names[i], names[(i + s) % 60]) for i in range(60) for s in (-1, 1))
    found: dict[str, list[float]] = {"others": [], "neighbours": []}
    for _ in range(20):
        p = 0.4 + 0.18 * np.sin(2 * np.pi * np.arange(60) / 60 + rng.uniform(0, 6))
        gift = (rng.uniform(size=(60, 40)) < p[:, None]).ravel().astype(int)
        districts = pd.Categorical(np.repeat(names, 40))
        table = pd.DataFrame({"district": districts, "wave": pd.Categorical(["1"] * 2400), "gift": gift})
        for name, values in found.items():
            known = Known(coverage(table, None), table, None, ring)
            values.append(MAPS[name].of(known).coverage.reliability)
    signal = 0.18**2 / 2
    noise = (0.24 - signal) / 40
    assert np.mean(found["others"]) == pytest.approx(signal / (signal + noise), abs=0.02)
    assert np.mean(found["neighbours"]) == pytest.approx(signal / (signal + noise / 2), abs=0.02)


def test_every_map_that_a_study_may_name_is_there_with_its_words() -> None:
    """The names in study.toml are the names of the maps; the group stands in words by its own name."""
    assert tuple(MAPS) == get_args(MapName)
    assert label("own_group", "songbun") == "rate among those of their own songbun in their district"
    assert label("others", None) == MAPS["others"].label
