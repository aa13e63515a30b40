"""The plain comparison held against closed forms, a published number, and repeated sampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from causaldata import gov_transfers
from scipy.stats import t

from largesse.comparison import Comparison, compare

Array = np.ndarray[Any, Any]

PUBLISHED = 0.0998519  # causaldata's gov_transfers: support on participation, income and their product, at the cutoff
SAMPLES = 1000
FAR_OFF = 4.0  # standard errors of what 1,000 samples can tell


def bare(n: int) -> tuple[Array, Array]:
    """No covariates, no modifiers."""
    return np.empty((n, 0)), np.empty((n, 0))


def one_place(n: int) -> Array:
    """Everyone in one district and wave."""
    return np.zeros((n, 2), dtype=int)


def survey(rng: np.random.Generator, districts: int = 6, each: int = 20) -> dict[str, Any]:
    """A survey of several districts and two waves in which everything differs between places."""
    n = districts * each
    place = np.column_stack([np.repeat(np.arange(districts), each), rng.integers(0, 2, n)])
    x = rng.normal(size=(n, 2)) + place[:, :1] / 3
    gift = (rng.uniform(size=n) < 0.3 + 0.05 * place[:, 0]).astype(int)
    y = 0.2 * gift + 0.1 * gift * x[:, 0] + x @ [0.3, -0.2] + 0.2 * place[:, 0] + rng.normal(size=n)
    return {"outcome": y, "gift": gift, "group": place, "controls": (x, x[:, :1]), "weight": rng.uniform(0.5, 2, n)}


def dummies(s: dict[str, Any]) -> Array:
    """The regression written out: gift, gift times modifier, covariates, an intercept for each district and wave."""
    office = s["group"][:, 0] * 2 + s["group"][:, 1]
    x, m = s["controls"]
    intercepts = (office[:, None] == np.unique(office)).astype(float)
    return np.column_stack([s["gift"], s["gift"][:, None] * m, x, intercepts])


def test_a_published_estimate_comes_back() -> None:
    """PANES: participation and centred income, and their product, give .0998519 at the cutoff of income."""
    data = gov_transfers.load_pandas().data
    income = data["Income_Centered"].to_numpy()[:, None]
    n = len(data)
    found = compare(
        data["Support"].to_numpy(), data["Participation"].to_numpy(), one_place(n), (income, income), np.ones(n)
    )
    assert found.estimate == pytest.approx(PUBLISHED, abs=1e-6)
    assert (found.respondents, found.clusters) == (1948, 1948)


def test_without_controls_it_is_a_difference_in_means() -> None:
    """One place and no covariates: mean of receivers less mean of the others, with the variance of two samples."""
    rng = np.random.default_rng(1)
    y, g = rng.uniform(size=50), np.arange(50) % 3 == 0
    found = compare(y, g, one_place(50), bare(50), np.ones(50))
    assert found.estimate == pytest.approx(y[g].mean() - y[~g].mean())
    variance = (y[g].var() / g.sum() + y[~g].var() / (~g).sum()) * 50 / 49
    assert found.se == pytest.approx(np.sqrt(variance))


def test_with_weights_it_is_a_difference_in_weighted_means() -> None:
    """Weights count as so many people."""
    rng = np.random.default_rng(2)
    y, g, w = rng.uniform(size=40), np.arange(40) % 2 == 0, rng.integers(1, 4, 40)
    found = compare(y, g, one_place(40), bare(40), w.astype(float))
    repeated = compare(np.repeat(y, w), np.repeat(g, w), one_place(w.sum()), bare(w.sum()), np.ones(w.sum()))
    assert found.estimate == pytest.approx(np.average(y[g], weights=w[g]) - np.average(y[~g], weights=w[~g]))
    assert found.estimate == pytest.approx(repeated.estimate)


def test_it_is_the_regression_written_out() -> None:
    """Taking places' means away is the regression with all intercepts: same coefficient, same clustered variance."""
    s = survey(np.random.default_rng(3))
    found, x, w = compare(**s), dummies(s), s["weight"]
    bread = np.linalg.inv(x.T @ (w[:, None] * x))
    beta = bread @ x.T @ (w * s["outcome"])
    score = x * (w * (s["outcome"] - x @ beta))[:, None]
    summed = np.array([score[s["group"][:, 0] == d].sum(axis=0) for d in range(6)])
    assert found.estimate == pytest.approx(beta[0], rel=1e-9)
    assert found.se == pytest.approx(np.sqrt((bread @ summed.T @ summed @ bread)[0, 0] * 6 / 5), rel=1e-9)
    assert found.clusters == 6


def test_unit_weights_and_their_scale_do_not_matter() -> None:
    """Weights of one, or of seven, are no weights."""
    s = survey(np.random.default_rng(4))
    one, seven = (compare(**(s | {"weight": np.full(len(s["gift"]), w)})) for w in (1.0, 7.0))
    assert (one.estimate, one.se) == (pytest.approx(seven.estimate), pytest.approx(seven.se))
    plain = np.linalg.lstsq(dummies(s), s["outcome"], rcond=None)[0][0]
    assert one.estimate == pytest.approx(plain)


def test_those_who_did_not_answer_or_count_for_nothing_are_left_out() -> None:
    """A missing answer, or a weight of 0, takes the respondent out and moves nothing else."""
    s = survey(np.random.default_rng(5))
    keep = np.ones(120, dtype=bool)
    keep[[3, 50, 119]] = False
    y, w = s["outcome"].copy(), s["weight"].copy()
    y[[3, 50]], w[119] = np.nan, 0.0
    x, m = s["controls"]
    cut = {n: s[n][keep] for n in ("outcome", "gift", "group", "weight")} | {"controls": (x[keep], m[keep])}
    assert compare(**(s | {"outcome": y, "weight": w})) == compare(**cut)


def test_a_covariate_that_places_tell_already_changes_nothing() -> None:
    """Market access is one number for each district: beside intercepts for districts it says nothing."""
    s = survey(np.random.default_rng(6))
    x, m = s["controls"]
    access = np.array([0.2, 0.9, 0.4, 0.7, 0.1, 0.3])[s["group"][:, 0]]
    found = compare(**(s | {"controls": (np.column_stack([x, access, 3 * x[:, 0]]), m)}))
    assert found.estimate == pytest.approx(compare(**s).estimate)
    assert found.se == pytest.approx(compare(**s).se)


@pytest.mark.parametrize("gift", ["by place", "everyone"])
def test_what_the_data_do_not_hold_is_not_a_number(gift: str) -> None:
    """Where all of a district and wave received or none did, nobody can be compared with anyone there."""
    s = survey(np.random.default_rng(7))
    given = (s["group"].sum(axis=1) % 2) if gift == "by place" else np.ones(120, dtype=int)
    found = compare(**(s | {"gift": given, "controls": bare(120)}))
    assert np.isnan([found.estimate, found.se]).all()
    assert found.respondents == 120


def test_nobody_who_answered_is_no_comparison() -> None:
    """An outcome that nobody answered rests on nobody."""
    s = survey(np.random.default_rng(8))
    found = compare(**(s | {"outcome": np.full(120, np.nan)}))
    assert (found.respondents, found.clusters) == (0, 0)
    assert np.isnan(found.estimate)


def test_codes_need_not_be_dense() -> None:
    """Districts may carry any codes: a district nobody answered in leaves a gap."""
    s = survey(np.random.default_rng(9))
    sparse = s["group"] * [7, 3] + [2, 1]
    assert compare(**(s | {"group": sparse})) == compare(**s)


def test_intervals_cover_what_repeated_sampling_would_find() -> None:
    """Districts sampled anew, effects differing between them: intervals cover as Student's with one degree less would.

    A normal interval on 40 clusters covers 94.3 %, not 95 %; that is the nominal rate here.
    """
    rng, truth = np.random.default_rng(10), 0.2
    found = np.array([_sampled(rng, truth) for _ in range(SAMPLES)])
    covered = np.mean(np.abs(found[:, 0] - truth) < 1.96 * found[:, 1])
    nominal = 2 * t.cdf(1.96, 39) - 1
    assert abs(covered - nominal) < FAR_OFF * np.sqrt(nominal * (1 - nominal) / SAMPLES)
    assert abs(found[:, 0].mean() - truth) < FAR_OFF * found[:, 0].std() / np.sqrt(SAMPLES)


def _sampled(rng: np.random.Generator, truth: float) -> tuple[float, float]:
    """One survey of 40 districts, two waves, 5 respondents in each: outcome and effect differ between districts."""
    d, wave = np.repeat(np.arange(40), 10), np.tile(np.arange(2), 200)
    gift = np.tile([0, 0, 1, 1, 0, 1, 0, 1, 1, 0], 40)
    effect = truth + 0.5 * rng.normal(size=40)
    y = rng.normal(size=40)[d] + 0.3 * wave + effect[d] * gift + rng.normal(size=400)
    found: Comparison = compare(y, gift, np.column_stack([d, wave]), bare(400), np.ones(400))
    return found.estimate, found.se
