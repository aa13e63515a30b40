"""Policies: who would receive, quotas kept in every office, and whether a coverage was ever seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq
from scipy.special import expit, logit

from largesse import dims
from largesse.cells import Frame
from largesse.errors import InputError
from largesse.policies import (
    EVERYBODY,
    NOBODY,
    AsObserved,
    ByLot,
    ByNeed,
    ByStanding,
    Lottery,
    Offices,
    Policy,
    Theta,
)
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

OBSERVED = (0.12, 0.43)
NODES = standard_normal_nodes(21)
DISTRICTS, WAVES, PROFILES = 3, 2, 5
KEEPING: tuple[Policy, ...] = (AsObserved(), ByLot(), ByNeed("poverty"), ByStanding(), ByStanding(0.7), ByStanding(3.0))


class Choosers:
    """Offices whose log-odds, standing and favour are written down draw by draw and row by row."""

    def log_odds(self, theta: Theta, rows: Frame) -> Array:
        """Generosity of the office, and standing."""
        return theta["generosity"][:, rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()] + theta["standing"]

    def standing(self, theta: Theta, rows: Frame) -> Array:
        """As written down."""
        return theta["standing"]

    def favour(self, theta: Theta, rows: Frame) -> Array:
        """One value for each district."""
        return theta["favour"][:, rows["in_district"].to_numpy()]


def people(seed: int = 5) -> Frame:
    """Three districts in two waves, five profiles in each, of unequal weight and poverty."""
    rng = np.random.default_rng(seed)
    size = DISTRICTS * WAVES * PROFILES
    office = np.repeat(np.arange(DISTRICTS * WAVES), PROFILES)
    weight = rng.uniform(0.2, 1.0, size=size)
    rows = xr.Dataset(
        {
            "in_district": (dims.ROW, office // WAVES),
            "in_wave": (dims.ROW, office % WAVES),
            "weight": (dims.ROW, weight / weight.sum()),
            "x": ((dims.ROW, dims.COVARIATE), np.stack([rng.normal(size=size), np.ones(size)], axis=1)),
        },
        coords={dims.COVARIATE: ["poverty", "constant"]},
    )
    return rows.isel({dims.ROW: rng.permutation(size)})  # a frame need not be sorted by office


def drawn(draws: int = 4, sd: float = 1.0, favour: float = 0.7) -> dict[str, Array]:
    """Offices of unlike generosity and favour."""
    rng = np.random.default_rng(7)
    return {
        "generosity": rng.normal(-1.0, 1.0, size=(draws, DISTRICTS, WAVES)),
        "standing": sd * rng.normal(size=(draws, DISTRICTS * WAVES * PROFILES)),
        "favour": favour + rng.normal(0.0, 0.2, size=(draws, DISTRICTS)),
    }


def offices(theta: Theta, quota: Array | None = None) -> Offices:
    """The offices of those people."""
    return Offices.of(Choosers(), theta, people(), NODES, quota)


def given(chances: Array, rows: Frame) -> Array:
    """[draw, district, wave] share of people who receive, added up row by row."""
    weight, told = rows["weight"].to_numpy(), np.zeros((len(chances), DISTRICTS, WAVES))
    everyone = np.zeros((DISTRICTS, WAVES))
    places = zip(rows["in_district"].to_numpy(), rows["in_wave"].to_numpy(), strict=True)
    for row, (d, t) in enumerate(places):
        told[:, d, t] += weight[row] * (chances[:, row] * NODES[1]).sum(axis=1)
        everyone[d, t] += weight[row]
    return np.asarray(told / everyone)


# --- coverages that were never seen ----------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.12, 0.3, 0.43, 0.43 + 1e-15, 0.12 - 1e-15])
def test_a_coverage_between_those_observed_was_seen(coverage: float) -> None:
    """The ends of the observed range belong to it, rounding or no rounding."""
    assert Lottery(coverage).extrapolates(OBSERVED) == ""


@pytest.mark.parametrize("coverage", [0.0, 0.119, 0.44, 1.0])
def test_a_coverage_beyond_those_observed_says_which(coverage: float) -> None:
    """Gifts for nobody, or for everyone, were never seen: the label names the coverage and the range."""
    said = Lottery(coverage).extrapolates(OBSERVED)
    for number in (f"{coverage:.0%}", "12%", "43%"):
        assert number in said


# --- quotas ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", KEEPING, ids=repr)
@pytest.mark.parametrize("sd", [1.0, 30.0, 800.0])
@pytest.mark.parametrize("favour", [0.0, 3.0])
def test_offices_give_what_they_gave(policy: Policy, sd: float, favour: float) -> None:
    """Receipts of every district, wave and draw are those under the offices' own rule, however sharply they choose."""
    theta = drawn(sd=sd, favour=favour)
    base, slope = Choosers().log_odds(theta, people()), Choosers().favour(theta, people())
    own = given(expit(base[:, :, None] + slope[:, :, None] * NODES[0]), people())
    assert policy.coverage is None
    told = given(policy.receipt(offices(theta)), people())
    np.testing.assert_allclose(told, own, atol=1e-8)


@pytest.mark.parametrize("policy", KEEPING, ids=repr)
@pytest.mark.parametrize("quota", [1e-9, 1e-3, 0.3, 0.5, 0.97, 1 - 1e-9])
def test_offices_give_what_they_are_told_to(policy: Policy, quota: float) -> None:
    """A given quota is kept as well, far out in the tails too."""
    asked = np.full((DISTRICTS, WAVES), quota)
    asked[1, 0] = 0.4
    told = given(policy.receipt(offices(drawn(sd=5.0), asked)), people())
    np.testing.assert_allclose(told, np.broadcast_to(asked, told.shape), atol=1e-8)


@pytest.mark.parametrize("policy", KEEPING, ids=repr)
def test_an_office_without_gifts_gives_none_and_one_with_gifts_for_all_passes_nobody_over(policy: Policy) -> None:
    """Quotas of 0 and 1 are exact for every person, and do not disturb the office next door."""
    asked = np.array([[0.0, 1.0], [0.3, 0.0], [1.0, 0.6]])
    chances, rows = policy.receipt(offices(drawn(), asked)), people()
    quota = asked[rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()]
    for certain in (0.0, 1.0):
        assert (chances[:, quota == certain] == certain).all()
    np.testing.assert_allclose(given(chances, rows)[:, 1, 0], 0.3, atol=1e-8)


def test_intercepts_are_those_a_root_finder_finds() -> None:
    """Office by office, Brent's method on expected receipts leads to the same chances."""
    theta, rows = drawn(draws=2, sd=3.0), people()
    quota = np.array([[0.02, 0.2], [0.5, 0.7], [0.9, 0.995]])
    told = ByStanding(1.5).receipt(offices(theta, quota))
    for s, d, t in np.ndindex(2, DISTRICTS, WAVES):
        here = ((rows["in_district"] == d) & (rows["in_wave"] == t)).to_numpy()
        share = rows["weight"].to_numpy()[here] / rows["weight"].to_numpy()[here].sum()
        score = theta["standing"][s, here, None] + 1.5 * NODES[0]
        root = brentq(lambda a, z=score, w=share, q=quota[d, t]: w @ expit(a + z) @ NODES[1] - q, -60, 60, xtol=1e-13)
        np.testing.assert_allclose(told[s, here], expit(root + score), rtol=1e-7)


def test_a_quota_that_is_no_share_is_an_input_error() -> None:
    """Nobody can give gifts to 120 % of a district's people, nor to an unknown share."""
    for wrong in (1.2, -0.1, np.nan):
        with pytest.raises(InputError, match="a share from 0 to 1"):
            offices(drawn(), np.full((DISTRICTS, WAVES), wrong))


def test_scores_that_are_not_numbers_keep_no_quota() -> None:
    """Where no intercept can be found, that is said, and no chances are told."""
    theta = drawn()
    theta["standing"][1, 2] = np.nan
    with pytest.raises(ArithmeticError, match="keeps the quota"):
        ByStanding().receipt(offices(theta, np.full((DISTRICTS, WAVES), 0.3)))


# --- who receives ----------------------------------------------------------------------------------------------------


def test_the_offices_own_rule_is_left_as_it_is() -> None:
    """As observed, the chance is that of the model, to the last digits."""
    theta, rows = drawn(), people()
    base, slope = Choosers().log_odds(theta, rows), Choosers().favour(theta, rows)
    expected = expit(base[:, :, None] + slope[:, :, None] * NODES[0])
    np.testing.assert_allclose(AsObserved().receipt(offices(theta)), expected, rtol=1e-12)


def test_another_quota_leaves_the_choice_among_people() -> None:
    """Twice the gifts: the log-odds of any two people of an office differ by as much as before."""
    theta, rows = drawn(), people()
    few, many = (logit(AsObserved().receipt(offices(theta, np.full((3, 2), q)))) for q in (0.2, 0.4))
    where = rows["in_district"].to_numpy() * WAVES + rows["in_wave"].to_numpy()
    for office in range(DISTRICTS * WAVES):
        shift = (many - few)[:, where == office]
        np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1], shift.shape), atol=1e-9)


def test_by_symmetry_half_the_gifts_need_no_intercept() -> None:
    """Two equal halves of standing +s and -s, quota 1/2: a = 0, so chances are expit(s) and expit(-s)."""
    rows = xr.Dataset(
        {
            "in_district": (dims.ROW, [0, 0, 1, 1]),
            "in_wave": (dims.ROW, [0, 0, 0, 0]),
            "weight": (dims.ROW, [0.1, 0.1, 0.4, 0.4]),
        }
    )
    theta = {
        "generosity": np.full((1, 2, 1), -3.0),
        "standing": np.array([[1.0, -1.0, 2.5, -2.5]]),
        "favour": np.zeros((1, 2)),
    }
    told = Offices.of(Choosers(), theta, rows, NODES, np.array([[0.5], [0.5]]))
    expected = np.array([0.7310585786300049, 0.2689414213699951, 0.9241418199787566, 0.0758581800212434])
    np.testing.assert_allclose(ByStanding().receipt(told)[0, :, 3], expected, atol=1e-9)


@pytest.mark.parametrize("policy", [ByStanding(), ByNeed("poverty")], ids=repr)
def test_where_all_have_one_standing_choosing_is_drawing_lots(policy: Policy) -> None:
    """Nobody stands out; and need counts as standing does, so not at all."""
    theta = drawn() | {"standing": np.full((4, DISTRICTS * WAVES * PROFILES), 1.3)}
    made = offices(theta)
    np.testing.assert_allclose(policy.receipt(made), ByLot().receipt(made), atol=1e-9)


def test_without_favour_the_disposition_is_not_seen() -> None:
    """By standing alone all dispositions have one chance, and it is that of offices of favour 0."""
    theta = drawn()
    made = offices(theta)
    chances = ByStanding().receipt(made)
    np.testing.assert_allclose(chances, np.broadcast_to(chances[:, :, :1], chances.shape), atol=1e-14)
    theta["favour"][:] = 0.0
    unseen = offices(theta)
    np.testing.assert_allclose(ByStanding(0.0).receipt(unseen), AsObserved().receipt(unseen), atol=1e-8)


def test_favour_gives_to_those_of_high_disposition() -> None:
    """Chances rise with u by `favour` log-odds per sd."""
    told = logit(ByStanding(0.7).receipt(offices(drawn())))
    np.testing.assert_allclose(np.diff(told, axis=2), np.broadcast_to(0.7 * np.diff(NODES[0]), told[..., 1:].shape))


def test_need_counts_as_much_as_standing_does() -> None:
    """Log-odds by need spread as standing does, in each draw, and rise with need."""
    theta, rows = drawn(), people()
    made = offices(theta, np.full((DISTRICTS, WAVES), 0.3))
    told, need = logit(ByNeed("poverty").receipt(made))[:, :, 0], rows["x"].to_numpy()[:, 0]
    here = ((rows["in_district"] == 1) & (rows["in_wave"] == 1)).to_numpy()
    slope = [np.polyfit(need[here], odds, 1)[0] for odds in told[:, here]]
    weight = rows["weight"].to_numpy()
    spread = [np.sqrt(np.cov(v, aweights=weight, ddof=0)) for v in (*theta["standing"], need)]
    np.testing.assert_allclose(slope, np.array(spread[:-1]) / spread[-1], rtol=1e-9)


def test_need_that_is_standing_on_another_scale_is_standing() -> None:
    """If offices already choose by need, choosing by need changes nothing."""
    need = people()["x"].to_numpy()[:, 0]
    made = offices(drawn() | {"standing": np.array([0.5, 1.0, 2.0, 4.0])[:, None] * need - 1.0})
    np.testing.assert_allclose(ByNeed("poverty").receipt(made), ByStanding().receipt(made), atol=1e-8)


def test_need_must_be_a_covariate_in_which_people_differ() -> None:
    """An unknown covariate is named beside those there are; one that is the same for all can choose nobody."""
    with pytest.raises(InputError, match="'hunger'; expected one of poverty, constant"):
        ByNeed("hunger").receipt(offices(drawn()))
    with pytest.raises(InputError, match="the same for all"):
        ByNeed("constant").receipt(offices(drawn()))


def test_gifts_for_nobody_and_for_everybody_are_exact() -> None:
    """Chances are 0 and 1 for all, whatever the office; a lottery's are its coverage."""
    made = offices(drawn())
    for policy, chance in ((NOBODY, 0.0), (EVERYBODY, 1.0), (Lottery(0.25), 0.25)):
        assert policy.coverage == chance
        assert (policy.receipt(made) == chance).all()


def test_drawing_lots_gives_all_people_of_an_office_the_same_chance() -> None:
    """The chance is the office's quota, which is the coverage that people face."""
    made = offices(drawn())
    chances = ByLot().receipt(made)
    assert (chances == made.faced()[:, :, None]).all()
