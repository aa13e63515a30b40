"""Targeting: estimands held against numbers worked out by hand, and against people simulated one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq
from scipy.special import expit, logit

from largesse import dims, estimands, targeting
from largesse.cells import Frame
from largesse.estimands import EVERYONE, Surface
from largesse.policies import EVERYBODY, NOBODY, AsObserved, ByLot, ByNeed, ByStanding, Lottery, Policy, Theta
from largesse.simulators.graded import standard_normal_nodes
from largesse.targeting import (
    PARTS,
    WHO,
    Asked,
    NotAnswerable,
    Outcome,
    People,
    Programme,
    break_even,
    lottery_changes,
    overall,
    programmes,
    selectivity,
    split,
    up_and_down,
)

Array = np.ndarray[Any, Any]
Tables = Iterator[dict[str, Array]]

CENTER, LOW = 0.25, 0.1
NODES = standard_normal_nodes(41)
FAR_OFF = 5.0  # standard errors: of the seventy comparisons below one goes beyond by chance in 25,000 seeds
CROWD = 400_000  # people: standard errors of a twentieth of a point and less, effects of 1 to 17 points


TRUTH: Mapping[str, float] = {
    "gamma": 0.8, "favour": 0.7, "load": 1.1, "level": -0.3, "slope": 0.3,
    "direct": 0.6, "direct_by": 0.3, "spillover": -1.2, "spillover_by": 0.2, "received": -0.4,
    "any_level": 0.2, "any_slope": -0.2, "any_direct": -0.5, "any_direct_by": 0.1, "any_spillover": 0.9,
}  # fmt: skip


class Town:
    """A made-up model: receipt, loyalty and market by logits linear in standing, gift, coverage and disposition."""

    def log_odds(self, theta: Theta, rows: Frame) -> Array:
        """Generosity of the district, and standing."""
        return theta["generosity"][:, rows["in_district"].to_numpy()] + self.standing(theta, rows)

    def standing(self, theta: Theta, rows: Frame) -> Array:
        """The first covariate, so many logits each."""
        return theta["gamma"][:, None] * rows["x"].to_numpy()[:, 0]

    def favour(self, theta: Theta, rows: Frame) -> Array:
        """One for all."""
        return np.broadcast_to(theta["favour"][:, None], (len(theta["favour"]), rows.sizes[dims.ROW]))

    def given(self, theta: Theta, rows: Frame, gift: Array, coverage: Array, points: Array) -> Tables:
        """Chances of being loyal and of trading."""
        x = rows["x"].to_numpy()[:, 0]
        for u in points:
            yield {
                "loyalty": expit(latent(theta, "", x, gift, coverage) + theta["load"][:, None] * u),
                "market": expit(latent(theta, "any_", x, gift, coverage) - 0.5 * u),
            }

    def predict(self, theta: Theta, rows: Frame, gift: Array, coverage: Array) -> dict[str, Array]:
        """The same, averaged over dispositions."""
        each = list(self.given(theta, rows, gift, coverage, NODES[0]))
        return {name: sum(w * at[name] for w, at in zip(NODES[1], each, strict=True)) for name in each[0]}


def latent(theta: Theta, prefix: str, x: Array, gift: Array, coverage: Array) -> Array:
    """[draw, row] what moves an answer, but for the disposition."""

    def of(name: str) -> Array:
        return theta.get(prefix + name, np.zeros(len(theta["direct"]))).reshape(-1, 1)

    passed_over = (1 - gift) * coverage
    own = of("level") + of("slope") * x + (of("direct") + of("direct_by") * x) * gift
    return np.asarray(own + (of("spillover") + of("spillover_by") * x) * passed_over + of("received") * gift * coverage)


def town(standing: tuple[float, ...] = (-6.0, -0.5, 1.5), districts: int = 2) -> Frame:
    """Districts of a few profiles each; those of lowest standing hardly ever receive."""
    place = np.repeat(np.arange(districts), len(standing))
    weight = np.arange(2.0, 2.0 + len(place))
    x = np.tile(np.array(standing), districts)
    return xr.Dataset(
        {
            "in_district": (dims.ROW, place),
            "in_wave": (dims.ROW, np.zeros(len(place), dtype=int)),
            "weight": (dims.ROW, weight / weight.sum()),
            "x": ((dims.ROW, dims.COVARIATE), np.stack([x, np.cos(3 * x)], axis=1)),
            "modifier_index": (dims.MODIFIER, [0]),
        },
        coords={dims.COVARIATE: ["rank", "need"]},
        attrs={"coverage_center": CENTER},
    )


def drawn(draws: int = 3, **fixed: float) -> dict[str, Array]:
    """Draws of a town in which gifts and coverage matter, more for people of high rank."""
    rng = np.random.default_rng(11)
    moved = {}
    for name, value in (TRUTH | fixed).items():
        shape = (draws, 1) if name.endswith("_by") else (draws,)
        moved[name] = value + (0.0 if name in fixed else 0.1) * rng.normal(size=shape)
    return moved | {"generosity": np.array([-1.0, 0.2]) + 0.1 * rng.normal(size=(draws, 2))}


POLICIES: Mapping[str, Policy] = {
    "observed": AsObserved(),
    "nobody": NOBODY,
    "everybody": EVERYBODY,
    "lot": ByLot(),
    "third": Lottery(0.3),
    "need": ByNeed("need"),
    "standing": ByStanding(),
    "favour": ByStanding(1.5),
}


def surface(theta: Theta, rows: Frame) -> Surface:
    """The town averaged over everyone and over each district."""
    where = rows["in_district"].to_numpy()
    masks = {EVERYONE: where >= 0} | {f"d{d}": where == d for d in np.unique(where)}
    return Surface(Town().predict, theta, rows, masks)


def found(theta: Theta, rows: Frame, asked: Asked | None = None) -> xr.Dataset:
    """All that is told of the town."""
    return programmes(Town(), surface(theta, rows), NODES, asked or Asked(POLICIES, LOW))


def without_modifiers(theta: Theta) -> dict[str, Array]:
    """The same town, where the effect of a gift and of coverage is one for all."""
    return {name: v for name, v in theta.items() if not name.endswith("_by")}


# --- by hand ---------------------------------------------------------------------------------------------------------


class Ledger:
    """Two districts of two people each whose chances and outcomes are written down; the outcome is linear in coverage.

    Own gift adds 4, 2, 1, 0 points to the four; each point of coverage takes off a fifth of a point without a gift.
    """

    chance = np.array([[0.5, 0.1, 0.8, 0.02]])

    def log_odds(self, theta: Theta, rows: Frame) -> Array:
        """Of the chances that are written down."""
        return np.asarray(logit(self.chance))

    def standing(self, theta: Theta, rows: Frame) -> Array:
        """The log-odds themselves."""
        return np.asarray(logit(self.chance))

    def favour(self, theta: Theta, rows: Frame) -> Array:
        """None."""
        return np.zeros((1, 4))

    def given(self, theta: Theta, rows: Frame, gift: Array, coverage: Array, points: Array) -> Tables:
        """Whatever the disposition."""
        effect = np.array([0.04, 0.02, 0.01, 0.0])
        for _ in points:
            yield {
                "loyalty": 0.5 + gift * effect - 0.2 * (1 - gift) * (coverage + CENTER) + 0.0 * theta["direct"][:, None]
            }

    def predict(self, theta: Theta, rows: Frame, gift: Array, coverage: Array) -> dict[str, Array]:
        """The one table there is."""
        return next(self.given(theta, rows, gift, np.broadcast_to(coverage, (1, 4)), np.zeros(1)))


@pytest.fixture(scope="module")
def ledger() -> xr.Dataset:
    """Weights .3, .1 in the first district, .2, .4 in the second: quotas .4 and .28."""
    rows = town((1.0, 2.0)).assign(weight=(dims.ROW, [0.3, 0.1, 0.2, 0.4]))
    theta = {"direct": np.zeros(1), "direct_by": np.zeros((1, 1))}
    where = rows["in_district"].to_numpy()
    told = Surface(Ledger().predict, theta, rows, {EVERYONE: where >= 0, "d0": where == 0, "d1": where == 1})
    asked = Asked({n: POLICIES[n] for n in ("observed", "lot", "nobody", "everybody")}, low=0.1)
    return programmes(Ledger(), told, standard_normal_nodes(3), asked)


def by_hand(ledger: xr.Dataset, name: str, policy: str = "observed") -> Array:
    """[group] of the one draw: everyone, and the two districts."""
    return np.asarray(ledger[name].sel(policy=policy))[0]


def test_programme_means_are_those_worked_out_by_hand(ledger: xr.Dataset) -> None:
    """District 1 at .4: person 1 .5(.54)+.5(.42)=.48, person 2 .1(.52)+.9(.42)=.43; district 2 at .28 alike."""
    first = (0.3 * 0.48 + 0.1 * 0.43) / 0.4
    # Person 3: .8(.51) + .2(.444) = .4968; person 4: .02(.5) + .98(.444) = .44512.
    second = (0.2 * 0.4968 + 0.4 * 0.44512) / 0.6
    np.testing.assert_allclose(by_hand(ledger, "loyalty.mean"), [0.4 * first + 0.6 * second, first, second], atol=1e-9)
    # By lot: .4(.54)+.6(.42)=.468, .4(.52)+.6(.42)=.46; .28(.51)+.72(.444)=.46248, .28(.5)+.72(.444)=.45968.
    first, second = (0.3 * 0.468 + 0.1 * 0.46) / 0.4, (0.2 * 0.46248 + 0.4 * 0.45968) / 0.6
    np.testing.assert_allclose(
        by_hand(ledger, "loyalty.mean", "lot"), [0.4 * first + 0.6 * second, first, second], atol=1e-9
    )
    np.testing.assert_allclose(by_hand(ledger, "loyalty.mean", "nobody"), 0.5)
    np.testing.assert_allclose(by_hand(ledger, "loyalty.mean", "everybody")[1:], [0.535, 0.5 + 0.01 / 3])


def test_groups_are_those_worked_out_by_hand(ledger: xr.Dataset) -> None:
    """Receivers .15+.01+.16+.008; person 4, with a chance of 2 %, is the one who is never eligible."""
    np.testing.assert_allclose(by_hand(ledger, "share.receivers"), [0.328, 0.4, 0.28], atol=1e-9)
    np.testing.assert_allclose(by_hand(ledger, "share.passed_over"), [0.15 + 0.09 + 0.04, 0.6, 0.04 / 0.6], atol=1e-9)
    np.testing.assert_allclose(by_hand(ledger, "share.never_eligible"), [0.392, 0.0, 0.392 / 0.6], atol=1e-9)


def test_effects_on_groups_are_those_worked_out_by_hand(ledger: xr.Dataset) -> None:
    """Own gift, at coverage .4: 12 and 10 points; at .28: 6.6 and 5.6; coverage above .1 takes 6 and 3.6 points."""
    first, second = (0.15 * 0.12 + 0.01 * 0.10), (0.16 * 0.066 + 0.008 * 0.056)
    expected = [(first + second) / 0.328, first / 0.16, second / 0.168]
    np.testing.assert_allclose(by_hand(ledger, "loyalty.receivers"), expected, atol=1e-9)
    passed = [(0.24 * -0.06 + 0.04 * -0.036) / 0.28, -0.06, -0.036]
    np.testing.assert_allclose(by_hand(ledger, "loyalty.passed_over"), passed, atol=1e-9)
    np.testing.assert_allclose(by_hand(ledger, "loyalty.never_eligible"), [-0.036, np.nan, -0.036], atol=1e-9)


def test_a_group_without_people_is_told_to_be_empty(ledger: xr.Dataset) -> None:
    """Nobody of district 1 is never eligible, nobody receives where nothing is given, and so on."""
    np.testing.assert_array_equal(ledger["empty.never_eligible"].sel(policy="observed"), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(ledger["empty.receivers"].sel(policy="nobody"), 1.0)
    np.testing.assert_array_equal(ledger["empty.passed_over"].sel(policy="everybody"), 1.0)
    assert np.isnan(by_hand(ledger, "loyalty.receivers", "nobody")).all()


def test_selectivity_is_that_worked_out_by_hand(ledger: xr.Dataset) -> None:
    """More gifts by .1, -.3, .52, -.26 for people whom they move by 12, 10, 6.6, 5.6 points; no part is exposure."""
    told = selectivity(ledger, "loyalty", "observed")
    assert isinstance(told, xr.Dataset)
    first, second = 0.03 * 0.12 - 0.03 * 0.10, 0.104 * 0.066 - 0.104 * 0.056
    np.testing.assert_allclose(told["whole"][0], [first + second, first / 0.4, second / 0.6], atol=1e-9)
    np.testing.assert_allclose(told["exposure"], 0.0, atol=1e-15)


def test_exposure_is_what_the_coverage_a_policy_brings_does() -> None:
    """One person, r = .6 against .2: Y(1) rises by 2 points with coverage, Y(0) falls by 5: .6(2) - .4(5) = -.8."""
    table = np.ones((1, 1, 1))
    low = Outcome(0.40 * table, 0.50 * table)
    policy = Programme(0.6 * table, Outcome(0.35 * table, 0.52 * table))
    one = People(np.ones((1, 1)), np.ones(1))
    told = split(one, policy, Programme(0.2 * table, low), Outcome(0.40 * table, 0.47 * table))
    # Whole: .6(.52) + .4(.35) - .2(.50) - .8(.40) = .032; curvature .4(.07) = .028; reach .4(.10) - .028 = .012.
    expected = {"whole": 0.032, "reach": 0.012, "exposure": -0.008, "curvature": 0.028}
    assert {part: pytest.approx(values.item()) for part, values in told.items()} == expected


def test_break_even_is_a_set() -> None:
    """Of four draws: one crosses twice, one touches a point of the grid, one never crosses, one does nothing at all."""
    grid = np.array([0.2, 0.3, 0.5, 0.6])
    change = np.array([[0.1, -0.3, 0.1, 0.2], [0.2, 0.0, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 0.0]])
    told = break_even(change.T[:, :, None], grid)
    nan = np.nan
    first = [[0.225, 0.45, nan, nan], [nan, 0.3, nan, nan], [nan] * 4, [0.2, 0.3, 0.5, 0.6]]
    np.testing.assert_allclose(told.found[:, :, 0].T, first)
    np.testing.assert_allclose(told.smallest[:, 0], [0.225, 0.3, nan, 0.2])
    np.testing.assert_allclose(told.exists, [0.75])
    np.testing.assert_allclose(told.quantiles(np.array([0.0, 0.5, 1.0]))[:, 0], [0.2, 0.225, 0.3])


def test_where_no_coverage_breaks_even_there_is_no_smallest() -> None:
    """The probability is 0, and the quantiles are no numbers."""
    told = break_even(np.ones((3, 5, 2)), np.array([0.2, 0.3, 0.4]))
    np.testing.assert_array_equal(told.exists, 0.0)
    assert np.isnan(told.quantiles(np.array([0.1, 0.9]))).all()


def test_loyalty_up_and_market_down_is_counted_within_draws() -> None:
    """Both must happen in one draw; a change of 0 is neither."""
    loyalty = np.array([[0.1, 0.1], [0.1, -0.1], [-0.1, 0.1], [0.0, 0.1]])
    market = np.array([[-0.1, 0.1], [-0.1, -0.1], [-0.1, -0.1], [-0.1, 0.0]])
    np.testing.assert_array_equal(up_and_down(loyalty, market), [0.5, 0.25])


# --- people simulated one by one -------------------------------------------------------------------------------------


class Crowd:
    """People of the town with dispositions and lots of their own; each answers by one lot under whatever treatment."""

    def __init__(self, theta: Theta, rows: Frame) -> None:
        rng = np.random.default_rng(20_171_012)
        row = rng.choice(rows.sizes[dims.ROW], size=CROWD, p=rows["weight"].to_numpy())
        self.theta, self.people = theta, rows.isel({dims.ROW: row})
        self.row, self.place = row, self.people["in_district"].to_numpy()
        self.x, self.need = self.people["x"].to_numpy().T
        self.u, self.luck, self.answer = rng.normal(size=CROWD), rng.uniform(size=CROWD), rng.uniform(size=CROWD)
        self.own = self.chance(theta["generosity"][0, self.place] + theta["gamma"] * self.x, theta["favour"])

    def chance(self, score: Array, favour: Array | float) -> Array:
        """[person] of a gift."""
        return np.asarray(expit(score + favour * self.u))

    def keeping(self, quota: Array, score: Array, favour: Array | float) -> Array:
        """[person] chances with the intercept at which this crowd's districts give as many gifts as they have."""
        out = np.empty(CROWD)
        for d, q in enumerate(quota):
            z = (score + favour * self.u)[self.place == d]
            out[self.place == d] = expit(z + brentq(lambda a, z=z, q=q: expit(a + z).mean() - q, -30, 30))
        return out

    def loyal(self, gift: Array, coverage: Array, theta: Theta | None = None) -> Array:
        """[person] whether loyal, under a gift of their own (or not) and the coverage they face."""
        moved = latent(theta or self.theta, "", self.x, gift, coverage - CENTER)[0]
        return np.asarray(self.answer < expit(moved + self.theta["load"] * self.u)).astype(float)


@pytest.fixture(scope="module")
def one_town() -> tuple[Theta, Frame, Crowd]:
    """One draw of a town, and a crowd of its people."""
    theta, rows = drawn(1), town()
    return theta, rows, Crowd(theta, rows)


def distance(told: float, each: Array) -> float:
    """How many standard errors a number is from the mean of independent people."""
    return float(abs(told - each.mean()) / (each.std() / np.sqrt(len(each))))


def gifts(crowd: Crowd, quota: Array) -> dict[str, tuple[Array, Array]]:
    """Policy -> who of the crowd receives, and the coverage that each of them faces."""
    lots, standing = quota[crowd.place], crowd.theta["gamma"] * crowd.x
    need = crowd.need * standing.std() / crowd.need.std()
    same = np.zeros(CROWD)
    chances = {
        "observed": (crowd.own, lots),
        "nobody": (same, same),
        "everybody": (same + 1, same + 1),
        "lot": (lots, lots),
        "third": (same + 0.3, same + 0.3),
        "need": (crowd.keeping(quota, need, 0.0), lots),
        "standing": (crowd.keeping(quota, standing, 0.0), lots),
        "favour": (crowd.keeping(quota, standing, 1.5), lots),
    }
    return {name: ((crowd.luck < chance).astype(float), faced) for name, (chance, faced) in chances.items()}


def quotas(theta: Theta, rows: Frame) -> Array:
    """[district] expected receipts, on a fine grid of dispositions: no quadrature of the package."""
    u = np.linspace(-8, 8, 4001)
    density = np.exp(-(u**2) / 2) / np.exp(-(u**2) / 2).sum()
    chance = expit(Town().log_odds(theta, rows)[0][:, None] + theta["favour"] * u) @ density
    place, weight = rows["in_district"].to_numpy(), rows["weight"].to_numpy()
    return np.asarray(np.bincount(place, weight * chance) / np.bincount(place, weight))


def test_programmes_are_those_of_people_simulated_one_by_one(one_town: tuple[Theta, Frame, Crowd]) -> None:
    """Every policy: its mean, what it brings against a lottery, its groups, and what happens to those in them."""
    theta, rows, crowd = one_town
    told = found(theta, rows).isel({dims.DRAW: 0}).sel(group=EVERYONE)
    quota = quotas(theta, rows)
    programmes_ = gifts(crowd, quota)
    lot, faced = programmes_["lot"]
    by_lot = crowd.loyal(lot, faced)
    for policy, (gift, coverage) in programmes_.items():
        there = told.sel(policy=policy)
        said = crowd.loyal(gift, coverage)
        assert distance(float(there["loyalty.mean"]), said) < FAR_OFF, policy
        if policy not in ("lot", "nobody", "everybody"):
            assert distance(float(there["loyalty.whole"]), said - by_lot) < FAR_OFF, policy
        without = crowd.loyal(np.zeros(CROWD), coverage)
        own = crowd.loyal(np.ones(CROWD), coverage) - without
        spilt = without - crowd.loyal(np.zeros(CROWD), np.full(CROWD, LOW))
        chance = np.bincount(crowd.row, gift) / np.bincount(crowd.row)
        may = chance[crowd.row] >= 0.05
        members = dict(zip(WHO, (gift == 1, (gift == 0) & may, (gift == 0) & ~may), strict=True))
        for group, inside in members.items():
            share, effect = float(there[f"share.{group}"]), float(there[f"loyalty.{group}"])
            assert abs(share - inside.mean()) < FAR_OFF * 0.5 / np.sqrt(CROWD), (policy, group)
            if inside.any():
                change = own if group == "receivers" else spilt
                assert distance(effect, change[inside]) < FAR_OFF, (policy, group)
            else:
                assert np.isnan(effect), (policy, group)


def test_the_split_is_that_of_people_simulated_one_by_one(one_town: tuple[Theta, Frame, Crowd]) -> None:
    """Curvature: the same crowd and gifts, were the effect of a gift the average one for all; exposure: none."""
    theta, rows, crowd = one_town
    told = found(theta, rows)
    weight, x = rows["weight"].to_numpy(), rows["x"].to_numpy()[:, 0]
    same = dict(without_modifiers(theta))
    for effect in ("direct", "spillover"):
        same[effect] = theta[effect] + theta[f"{effect}_by"][:, 0] * (weight @ x)
    quota = quotas(theta, rows)
    programmes_ = gifts(crowd, quota)
    lot, faced = programmes_["lot"]
    for policy in ("observed", "standing", "favour", "need"):
        parts = selectivity(told, "loyalty", policy)
        assert isinstance(parts, xr.Dataset)
        here = parts.isel({dims.DRAW: 0}).sel(group=EVERYONE)
        gift, _ = programmes_[policy]
        curved = crowd.loyal(gift, faced, same) - crowd.loyal(lot, faced, same)
        reached = crowd.loyal(gift, faced) - crowd.loyal(lot, faced) - curved
        assert distance(float(here["curvature"]), curved) < FAR_OFF, policy
        assert distance(float(here["reach"]), reached) < FAR_OFF, policy
        assert distance(0.0, curved) > FAR_OFF, "the crowd is too small to tell"
        assert distance(0.0, reached) > FAR_OFF, "the crowd is too small to tell"
        assert abs(float(here["exposure"])) < 1e-12


# --- identities, draw by draw ----------------------------------------------------------------------------------------


def test_the_split_sums_to_the_whole() -> None:
    """Reach, exposure and curvature add up to the difference from the lottery, in every draw, group and policy."""
    told = found(drawn(5), town())
    for outcome in ("loyalty", "market"):
        for policy in POLICIES:
            parts = selectivity(told, outcome, policy)
            assert isinstance(parts, xr.Dataset)
            total = parts["reach"] + parts["exposure"] + parts["curvature"]
            np.testing.assert_allclose(parts["whole"], total, atol=1e-14)
            np.testing.assert_allclose(parts["whole"], overall(told, policy, "lot")[outcome], atol=1e-14)


def test_exposure_is_part_of_the_split_only_where_coverage_changes() -> None:
    """Who gets the offices' gifts leaves coverage as it is; a third everywhere does not."""
    told = found(drawn(5), town())
    for policy, taken in POLICIES.items():
        parts = selectivity(told, "loyalty", policy)
        assert isinstance(parts, xr.Dataset)
        changed = np.abs(parts["exposure"].to_numpy()).max() > 1e-3
        assert changed == (taken.coverage is not None), policy


def test_people_alike_leave_nothing_to_reach() -> None:
    """If modifiers modify nothing, what selectivity brings is all curvature."""
    told = selectivity(found(drawn(4, direct_by=0.0, spillover_by=0.0), town()), "loyalty", "observed")
    assert isinstance(told, xr.Dataset)
    np.testing.assert_allclose(told["reach"], 0.0, atol=1e-15)
    assert np.abs(told["curvature"].to_numpy()).min() > 1e-4


def test_selectivity_is_not_answerable_without_modifiers() -> None:
    """A model that lets nothing change a gift's effect says so in a sentence, and offers no number."""
    told = found(without_modifiers(drawn()), town())
    answer = selectivity(told, "loyalty", "observed")
    assert isinstance(answer, NotAnswerable)
    assert str(answer).startswith("not answerable by this model: ")
    assert not [name for name in told.data_vars if str(name).endswith(PARTS)]


def test_drawing_lots_is_choosing_where_all_have_one_standing() -> None:
    """Without standing or favour, observed, by standing and by lot are one programme."""
    told = found(drawn(gamma=0.0, favour=0.0), town())
    for policy in ("observed", "standing"):
        xr.testing.assert_allclose(overall(told, policy, "lot"), overall(told, "lot", "lot"), atol=1e-9)


def test_a_lottery_brings_what_coverage_brings() -> None:
    """A lottery at two coverages differs by the overall effect of the plain estimands, in every group."""
    theta, rows = drawn(), town()
    told = found(theta, rows, Asked({"high": Lottery(0.4), "low": Lottery(0.15)}, LOW))
    plain = estimands.effects(surface(theta, rows), 0.4, 0.15, varies=True)
    for outcome, change in overall(told, "high", "low").items():
        np.testing.assert_allclose(change, plain[f"{outcome}.overall"], atol=1e-13)
    changes = lottery_changes(surface(theta, rows), "loyalty", 0.15, np.array([0.2, 0.4]))
    np.testing.assert_allclose(changes[1], plain["loyalty.overall"], atol=1e-13)


def test_gifts_for_nobody_and_for_everybody_leave_one_outcome() -> None:
    """None: Y(0; 0). Everyone: Y(1; 1)."""
    theta, rows = drawn(), town()
    told, y = found(theta, rows), surface(theta, rows)
    np.testing.assert_allclose(told["loyalty.mean"].sel(policy="nobody"), y("loyalty", 0, 0.0), atol=1e-13)
    np.testing.assert_allclose(told["loyalty.mean"].sel(policy="everybody"), y("loyalty", 1, 1.0), atol=1e-13)


def test_everybody_is_in_one_group() -> None:
    """Receivers, passed over and never eligible are all people there are, under every policy."""
    told = found(drawn(), town())
    np.testing.assert_allclose(sum(told[f"share.{group}"] for group in WHO), 1.0, atol=1e-12)


def test_a_quota_that_is_given_is_the_coverage_people_face() -> None:
    """Lots at given quotas of 30 % are a lottery at 30 %, and the offices' own choice is made with those gifts."""
    theta, rows = drawn(), town()
    asked = Asked({"observed": AsObserved(), "lot": ByLot(), "third": Lottery(0.3)}, LOW, quota=np.full((2, 1), 0.3))
    told = found(theta, rows, asked)
    xr.testing.assert_allclose(overall(told, "lot", "third"), overall(told, "lot", "lot"), atol=1e-9)
    np.testing.assert_allclose(told["share.receivers"], 0.3, atol=1e-8)


def test_draws_come_back_in_order_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are made for a few draws at a time: how many changes nothing."""
    theta, rows = drawn(7), town()
    whole = found(theta, rows)
    monkeypatch.setattr(estimands, "BLOCK", 3 * (rows.sizes[dims.ROW] * len(NODES[0]) // targeting.HELD))
    xr.testing.assert_allclose(found(theta, rows), whole, atol=1e-9)


def test_the_outcome_at_the_offices_quotas_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five policies that keep quotas cost two tables, two of people alike, and one at the low coverage."""
    asked = Asked({name: p for name, p in POLICIES.items() if p.coverage is None}, LOW)
    made = []
    table = targeting._Block._table
    monkeypatch.setattr(targeting._Block, "_table", lambda *args: made.append(args[-2:]) or table(*args))
    found(drawn(), town(), asked)
    assert sorted(made, key=str) == sorted([(0, LOW), *2 * [(0, None), (1, None)]], key=str)
