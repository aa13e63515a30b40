"""Exposure: the coverage that each respondent faces, where it comes from, and how noisy it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from largesse.exposure import Coverage, coverage, reliability

Array = np.ndarray[Any, Any]


def table_of(district: list[str], wave: list[str], gift: list[int]) -> pd.DataFrame:
    """A canonical survey table with what coverage needs."""
    return pd.DataFrame({"district": pd.Categorical(district), "wave": pd.Categorical(wave), "gift": gift})


TABLE = table_of(list("aaaabbbb"), list("11122222"), [1, 0, 0, 1, 1, 0, 1, 1])


def known(**values: float) -> pd.DataFrame:
    """Administrative coverage: `a1=0.2` is district a in wave 1."""
    index = pd.MultiIndex.from_tuples([(k[0], k[1:]) for k in values], names=["district", "wave"])
    return pd.DataFrame({"coverage": list(values.values())}, index=index)


# --- where coverage comes from ---------------------------------------------------------------------------------


def test_a_sample_rate_is_the_share_receiving() -> None:
    """Without a district file coverage is the share of respondents with a gift, unknown where nobody was asked."""
    found = coverage(TABLE, None)
    np.testing.assert_allclose(found.rate, [[1 / 3, 1.0], [np.nan, 3 / 4]])
    np.testing.assert_array_equal(found.respondents, [[3, 1], [0, 4]])
    assert found.source == "sample"
    assert found.center == pytest.approx((1 / 3 + 1.0 + 3 / 4) / 3)


def test_administrative_coverage_is_taken_where_it_is_complete() -> None:
    """Known for every district and wave that was asked, coverage is the file's; where nobody was asked it may lack."""
    found = coverage(TABLE, known(a1=0.2, a2=0.3, b2=0.6, c1=0.9))
    np.testing.assert_allclose(found.rate, [[0.2, 0.3], [np.nan, 0.6]])
    assert (found.source, found.reliability) == ("administrative", 1.0)
    assert found.center == pytest.approx((0.2 + 0.3 + 0.6) / 3)


@pytest.mark.parametrize("partial", [known(a1=0.2, b2=0.6), known(a1=0.2, a2=np.nan, b2=0.6)])
def test_administrative_coverage_with_gaps_is_not_mixed_with_sample_rates(partial: pd.DataFrame) -> None:
    """One gap where people were asked, and every rate is the sample's: two kinds of rate are never mixed."""
    found = coverage(TABLE, partial)
    assert found.source == "sample"
    np.testing.assert_allclose(found.rate, coverage(TABLE, None).rate)


def test_a_file_without_coverage_changes_nothing() -> None:
    """A district file that knows other things leaves the sample's rate."""
    assert coverage(TABLE, known(a1=0.2).rename(columns={"coverage": "population"})).source == "sample"


# --- what a respondent faces -----------------------------------------------------------------------------------


def test_a_respondents_own_gift_is_no_coverage() -> None:
    """A sample rate is the share among the others of the district and wave, respondent by respondent."""
    d, t, g = (np.array(v) for v in ([0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1, 1], TABLE["gift"]))
    faced = coverage(TABLE, None).faced(d, t, g)
    for i in range(len(g)):
        others = [j for j in range(len(g)) if j != i and (d[j], t[j]) == (d[i], t[i])]
        if others:
            assert faced[i] == pytest.approx(np.mean(g[others]))


def test_who_has_no_others_faces_the_centre() -> None:
    """A respondent who is alone in a district and wave is taken to face average coverage, not own luck."""
    found = coverage(TABLE, None)
    for gift in (0, 1):
        assert found.faced(np.array([0]), np.array([1]), np.array([gift])) == pytest.approx([found.center])


def test_administrative_coverage_is_the_same_for_receivers() -> None:
    """The file's coverage is of a whole population, in which one gift is nothing."""
    found = coverage(TABLE, known(a1=0.2, a2=0.3, b2=0.6))
    np.testing.assert_allclose(found.faced(np.array([0, 0]), np.array([0, 0]), np.array([0, 1])), 0.2)


def test_between_is_a_districts_mean_over_its_waves() -> None:
    """How districts differ for good is the mean of the waves in which they were seen, centred."""
    found = Coverage(np.array([[0.2, 0.4], [np.nan, 0.6]]), np.ones((2, 2)), "administrative", 0.4, 1.0)
    np.testing.assert_allclose(found.between(), [-0.1, 0.2])


# --- reliability -----------------------------------------------------------------------------------------------


def slope(rate: Array, outcome: Array, *, within: bool) -> float:
    """The least-squares slope of an outcome on rates, after wave means and, within, district means."""

    def left(values: Array) -> Array:
        values = values - values.mean(axis=0)
        return values - values.mean(axis=1, keepdims=True) if within else values

    return float((left(rate) * left(outcome)).sum() / (left(rate) ** 2).sum())


@pytest.mark.parametrize("waves", [1, 3])
def test_reliability_is_what_is_left_of_a_coefficient(waves: int) -> None:
    """A slope on sample rates is the true slope times reliability: between districts with one wave, else within.

    Over 400 made-up surveys the two differ by less than 4 standard errors of their mean difference.
    """
    rng, true, difference, found = np.random.default_rng(11), 2.0, [], []
    for _ in range(400):
        n = rng.integers(10, 60, (100, waves))
        lasting, change = rng.normal(0, 0.08, (100, 1)), rng.normal(0, 0.08, (100, waves))
        p = np.clip(0.4 + lasting + change, 0.01, 0.99)
        rate = rng.binomial(n, p) / n
        differs = rng.normal(0, 0.5, (100, 1)) if waves > 1 else 0.0  # districts differ for other reasons
        found.append(reliability(rate, n))
        difference.append(slope(rate, true * p + differs, within=waves > 1) / true - found[-1])
    error = np.std(difference) / np.sqrt(len(difference))
    assert abs(np.mean(difference)) < 4 * error < 0.02
    assert 0.3 < np.mean(found) < 0.8  # far from both ends, where agreement would be cheap


def test_lasting_differences_do_not_make_changes_reliable() -> None:
    """Districts that differ much and never change have a reliability near 0 when seen in several waves.

    Variance over expected variance on 798 degrees of freedom stays below 1.16 in 999 of 1000 surveys: 1 - 1 / 1.16.
    """
    rng = np.random.default_rng(12)
    n, p = np.full((400, 3), 50), np.tile(rng.uniform(0.1, 0.9, (400, 1)), 3)
    rate = rng.binomial(n, p) / n
    assert reliability(rate, n) < 0.14
    assert reliability(rate[:, :1], n[:, :1]) > 0.9


def test_reliability_grows_to_one_with_respondents() -> None:
    """The same rates from a thousand times as many respondents are almost without noise."""
    rate = np.random.default_rng(13).uniform(0.1, 0.9, (20, 2))
    few, many = (reliability(rate, np.full((20, 2), n)) for n in (20, 20_000))
    assert few < many
    assert many > 0.995


def test_districts_that_missed_a_wave_are_used_for_what_they_say() -> None:
    """A hole in the table is no zero: reliability is that of least squares with district and wave effects."""
    rng = np.random.default_rng(14)
    n = rng.integers(5, 40, (15, 4)).astype(float)
    n[rng.uniform(size=n.shape) < 0.3] = 0
    rate = np.where(n > 0, rng.uniform(0.1, 0.9, n.shape), np.nan)
    district, wave = np.nonzero(n > 1)
    dummies = np.hstack([district[:, None] == np.arange(15), wave[:, None] == np.arange(4)]).astype(float)
    y, answers = rate[n > 1], n[n > 1]
    residual = np.eye(len(y)) - dummies @ np.linalg.pinv(dummies)
    noise = (np.diag(residual) * y * (1 - y) / (answers - 1)).sum()
    assert reliability(rate, n) == pytest.approx(1 - noise / (y @ residual @ y), rel=1e-9)


@pytest.mark.parametrize(
    ("rate", "n"),
    [
        ([[0.4]], [[30.0]]),  # one rate
        ([[0.4, 0.4], [0.4, 0.4]], [[30.0, 30.0], [30.0, 30.0]]),  # no variation
        ([[np.nan, np.nan]], [[0.0, 0.0]]),  # nobody
        ([[1.0], [0.0]], [[1.0], [1.0]]),  # single respondents, whose noise nothing tells
    ],
)
def test_where_nothing_varies_nothing_is_reliable(rate: list[list[float]], n: list[list[float]]) -> None:
    """Reliability is 0, not an error and not a pass, where the data hold no variation to judge by."""
    assert reliability(np.array(rate), np.array(n)) == 0.0
