"""Estimands: contrasts on the outcome scale, held against people simulated one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import toys
import xarray as xr

from largesse import dims, estimands, models
from largesse.cells import Frame, frame
from largesse.estimands import CONTRASTS, EVERYONE, Surface, blocks, effects, selectivity
from largesse.models.contract import Model
from largesse.simulators.graded import standard_normal_nodes

Array = np.ndarray[Any, Any]

HIGH, LOW = 0.7, 0.2
PEOPLE = 20_000  # simulated for each row, gift and coverage: a standard error of a tenth of a point
FAR_OFF = 5.0  # standard errors: among the hundred comparisons below one goes beyond by chance in 20,000 runs
STRONG = {"direct": 0.9, "spillover": -1.5, "any_direct": 0.9, "any_spillover": -1.5, "much_direct": 0.9}  # logits
BANDS = np.array([0.125, 0.375, 0.625, 0.85, 0.975])  # unevenly spaced, as published instruments ask
OUTCOMES = {"reported_loyalty": ("loyalty",), "market_participation": ("market_any", "market_much")}
CASES = [(model, outcome) for model, outcomes in OUTCOMES.items() for outcome in outcomes]


def posed(toy: toys.Toy, model: str, every: int = 1) -> Frame:
    """The toy's frame (or every so many rows of it) with a model's questions."""
    cells, rows = toy.cells[model], frame(toy.survey, toy.design).isel({dims.ROW: slice(None, None, every)})
    rows = rows.assign(answers=(dims.ITEM, cells["answers"].to_numpy()), band_share=("band", BANDS))
    return rows.assign_coords({dims.ITEM: cells[dims.ITEM].to_numpy()})


def surface(model: Model, theta: toys.Theta, rows: Frame, groups: dict[str, Array] | None = None) -> Surface:
    """Y(z; c) of a model with 61 quadrature nodes."""
    nodes = standard_normal_nodes(61)
    return Surface(lambda t, r, g, c: model.twin.predict(t, r, g, c, nodes), theta, rows, groups)


def by_district(rows: Frame) -> dict[str, Array]:
    """Everyone, and each district."""
    where = rows["in_district"].to_numpy()
    masks = {EVERYONE: np.ones(len(where), dtype=bool)}
    return masks | {str(n): where == d for d, n in enumerate(rows[dims.DISTRICT].to_numpy()) if (where == d).any()}


def drawn(toy: toys.Toy, model: str, draws: int, **fixed: float) -> toys.Theta:
    """[draw, ...] the toy's truth, each effect moved a little from draw to draw; `fixed` holds effects at a value."""
    rng = np.random.default_rng(3)
    moved = ("direct", "spillover", "between")
    theta = {}
    for name, value in toy.truth[model].items():
        noise = 0.3 * rng.normal(size=(draws, *value.shape)) if any(effect in name for effect in moved) else 0.0
        theta[name] = np.repeat(np.asarray(value)[None], draws, axis=0) + noise
    return theta | {n: np.full(theta[n].shape, v) for n, v in fixed.items()}


# --- the oracle ------------------------------------------------------------------------------------------------------


class Crowd:
    """People simulated row by row: what each answers under a gift of their own and a coverage."""

    def __init__(self, model: Model, theta: toys.Theta, rows: Frame, masks: dict[str, Array]) -> None:
        self.model, self.theta, self.rows, self.masks = model, theta, rows, masks
        self.rng = np.random.default_rng(17)

    def mean(self, chance: float, coverage: float) -> dict[str, Array]:
        """Outcome -> [group, (mean, variance of it)] when each person receives with this chance."""
        size = self.rows.sizes[dims.ROW]
        crowd = self.rows.isel({dims.ROW: np.repeat(np.arange(size), PEOPLE)})
        faced = np.full(size * PEOPLE, coverage - self.rows.attrs["coverage_center"])
        gift = (self.rng.uniform(size=size * PEOPLE) < chance).astype(int)
        crowd = crowd.assign(gift=(dims.ROW, gift), coverage=(dims.ROW, faced))
        said = self.model.twin.answer(self.theta, crowd, self.rng)
        found = {name: values.reshape(size, PEOPLE) for name, values in scores(said, self.rows)}
        return {name: np.array(list(self._averaged(each))) for name, each in found.items()}

    def _averaged(self, score: Array) -> Iterator[tuple[float, float]]:
        weight = self.rows["weight"].to_numpy()
        for mask in self.masks.values():
            w = weight * mask / (weight @ mask)
            yield w @ score.mean(axis=1), w**2 @ score.var(axis=1) / PEOPLE


def scores(said: dict[str, Array], rows: Frame) -> Iterator[tuple[str, Array]]:
    """Outcomes of answers, as a survey would score them."""
    if "market" in said:
        yield "market_any", (said["market"] > 0).astype(float)
        yield "market_much", np.concatenate([[0.0], BANDS])[said["market"]]
    else:
        counts = dict(zip(map(str, rows[dims.ITEM].to_numpy()), rows["answers"].to_numpy(), strict=True))
        yield "loyalty", np.mean([said[item] / (n - 1) for item, n in counts.items()], axis=0)


@pytest.fixture(scope="module", params=OUTCOMES)
def held_against(request: pytest.FixtureRequest, toy: toys.Toy) -> tuple[xr.Dataset, dict[str, Array]]:
    """Effects of one draw, and the same contrasts (value and variance) of simulated people."""
    model, rows = models.get(request.param), posed(toy, request.param, every=12)
    theta, masks = toys.stacked(toy.truth[request.param]), by_district(rows)
    theta |= {name: np.array([value]) for name, value in STRONG.items() if name in theta}
    crowd = Crowd(model, theta, rows, masks)
    y = {(z, c): crowd.mean(z, c) for z in (0, 1) for c in (HIGH, LOW)}
    lottery = {c: crowd.mean(c, c) for c in (HIGH, LOW)}
    told = effects(surface(model, theta, rows, masks), HIGH, LOW, varies=True)
    simulated = {}
    for outcome in OUTCOMES[request.param]:
        y0h, y1h, y0l = (y[key][outcome] for key in ((0, HIGH), (1, HIGH), (0, LOW)))
        pairs = {"direct": (y1h, y0h), "spillover": (y0h, y0l), "total": (y1h, y0l)}
        pairs["overall"] = (lottery[HIGH][outcome], lottery[LOW][outcome])
        for name, (a, b) in pairs.items():
            simulated[f"{outcome}.{name}"] = np.stack([a[:, 0] - b[:, 0], a[:, 1] + b[:, 1]], axis=1)
        simulated |= {f"{outcome}.level.0": y0h, f"{outcome}.level.1": y1h}
    return told, simulated


def test_effects_are_those_of_people_simulated_one_by_one(
    held_against: tuple[xr.Dataset, dict[str, Array]],
) -> None:
    """Every contrast, of everyone and of each district, is the difference between crowds alike in all else."""
    told, simulated = held_against
    assert set(told.data_vars) == set(simulated)
    for name, values in simulated.items():
        distance = (told[name].to_numpy()[0] - values[:, 0]) / np.sqrt(values[:, 1])
        assert np.abs(distance).max() < FAR_OFF, name


def test_effects_of_the_oracle_are_large_enough_to_tell_them_apart(
    held_against: tuple[xr.Dataset, dict[str, Array]],
) -> None:
    """A contrast of nothing, or of the other gift, would be far off: each is twenty standard errors from 0."""
    _, simulated = held_against
    for name, values in simulated.items():
        if name.endswith((".direct", ".spillover")):
            assert np.abs(values[0, 0]) > 20 * np.sqrt(values[0, 1]), name


# --- identities, draw by draw ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case[1])
def of_twelve(request: pytest.FixtureRequest, toy: toys.Toy) -> tuple[xr.Dataset, Surface, str]:
    """Effects of twelve draws on everyone and on districts, their surface, and the outcome."""
    model, outcome = request.param
    rows = posed(toy, model)
    made = surface(models.get(model), drawn(toy, model, 12), rows, by_district(rows))
    return effects(made, HIGH, LOW, varies=True), made, outcome


def test_total_is_direct_plus_spillover(of_twelve: tuple[xr.Dataset, Surface, str]) -> None:
    """total(c, c') = direct(c) + spillover(c, c') in every draw and group."""
    told, _, outcome = of_twelve
    parts = told[f"{outcome}.direct"] + told[f"{outcome}.spillover"]
    np.testing.assert_allclose(told[f"{outcome}.total"], parts, atol=1e-14)


def test_overall_mixes_receivers_and_others_as_a_lottery_does(of_twelve: tuple[xr.Dataset, Surface, str]) -> None:
    """overall(c, c') is the change in c Y(1; c) + (1 - c) Y(0; c), so a lottery for nobody changes nothing."""
    told, y, outcome = of_twelve
    mixed = [c * y(outcome, 1, c) + (1 - c) * y(outcome, 0, c) for c in (HIGH, LOW)]
    np.testing.assert_allclose(told[f"{outcome}.overall"], mixed[0] - mixed[1], atol=1e-14)
    np.testing.assert_array_equal(effects(y, LOW, LOW, varies=True)[f"{outcome}.overall"], 0.0)


def test_levels_differ_by_the_direct_effect(of_twelve: tuple[xr.Dataset, Surface, str]) -> None:
    """The mean with a gift less the mean without one is the direct effect, at one and the same coverage."""
    told, _, outcome = of_twelve
    gap = told[f"{outcome}.level.1"] - told[f"{outcome}.level.0"]
    np.testing.assert_allclose(told[f"{outcome}.direct"], gap, atol=1e-14)


def test_everyone_is_the_average_of_districts(of_twelve: tuple[xr.Dataset, Surface, str]) -> None:
    """The effect on everyone is that on districts, weighted by the people in them."""
    told, made, _ = of_twelve
    where, weight = made.frame["in_district"].to_numpy(), made.frame["weight"].to_numpy()
    people = xr.DataArray(np.bincount(where, weight), dims="group")
    districts = told.drop_sel(group=EVERYONE).drop_vars("group")
    for name, values in told.data_vars.items():
        averaged = (districts[name] * people / people.sum()).sum("group")
        np.testing.assert_allclose(values.sel(group=EVERYONE), averaged, atol=1e-13)


@pytest.mark.parametrize(("model", "outcome"), CASES, ids=[outcome for _, outcome in CASES])
def test_parameters_of_nought_have_no_effect(toy: toys.Toy, model: str, outcome: str) -> None:
    """Where gift and coverage move no logit, they move no outcome."""
    moved = [p for p in toy.truth[model] if "direct" in p or "spillover" in p]
    theta = drawn(toy, model, 3, **dict.fromkeys(moved, 0.0))
    told = effects(surface(models.get(model), theta, posed(toy, model)), HIGH, LOW, varies=True)
    for name in ("direct", "spillover", "total", "overall"):
        np.testing.assert_allclose(told[f"{outcome}.{name}"], 0.0, atol=1e-14)


@pytest.mark.parametrize(("model", "parts"), [("reported_loyalty", [""]), ("market_participation", ["any_", "much_"])])
def test_lasting_differences_between_districts_are_no_effect(toy: toys.Toy, model: str, parts: list[str]) -> None:
    """What districts of more coverage have for good is theirs: as `between` or as district effects, it is no contrast.

    On the outcome's scale a level shapes an effect by curvature, so the two tellings must give the same levels too.
    """
    theta, rows = drawn(toy, model, 4), posed(toy, model)
    retold = dict(theta)
    for part in parts:
        lasting = theta[f"{part}between"][:, None] * rows["coverage_between"].to_numpy()
        assert np.abs(lasting).max() > 0.01
        retold[f"{part}district_effect"] = theta[f"{part}district_effect"] + lasting
        retold[f"{part}between"] = np.zeros_like(theta[f"{part}between"])
    one, other = (effects(surface(models.get(model), t, rows), HIGH, LOW, varies=True) for t in (theta, retold))
    xr.testing.assert_allclose(one, other, atol=1e-13)


def test_constant_coverage_leaves_contrasts_of_one_coverage(toy: toys.Toy) -> None:
    """Where coverage never varied, nothing that compares two coverages is told."""
    made = surface(models.get("reported_loyalty"), drawn(toy, "reported_loyalty", 2), posed(toy, "reported_loyalty"))
    told = effects(made, HIGH, HIGH, varies=False)
    assert set(told.data_vars) == {f"loyalty.{n}" for n, c in CONTRASTS.items() if not c.needs_coverage}
    assert not {"loyalty.spillover", "loyalty.total", "loyalty.overall"} & set(told.data_vars)


def test_draws_come_back_in_order_whatever_the_block(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws are predicted a few at a time: how many changes nothing."""
    theta, rows = drawn(toy, "reported_loyalty", 7), posed(toy, "reported_loyalty", every=10)
    whole = surface(models.get("reported_loyalty"), theta, rows)("loyalty", 1, HIGH)
    monkeypatch.setattr(estimands, "BLOCK", 3 * rows.sizes[dims.ROW])
    assert [len(part["direct"]) for part in blocks(theta, rows.sizes[dims.ROW])] == [3, 3, 1]
    np.testing.assert_allclose(surface(models.get("reported_loyalty"), theta, rows)("loyalty", 1, HIGH), whole)


def test_a_row_told_in_two_parts_is_the_same_people(toy: toys.Toy) -> None:
    """Splitting a row of the frame into two rows that share its weight changes no effect."""
    theta, rows = drawn(toy, "reported_loyalty", 3), posed(toy, "reported_loyalty")
    split = rows.isel({dims.ROW: [0, *range(rows.sizes[dims.ROW])]}).copy(deep=True)
    split["weight"][0] *= 0.3
    split["weight"][1] *= 0.7
    made = (surface(models.get("reported_loyalty"), theta, r) for r in (rows, split))
    one, other = (effects(y, HIGH, LOW, varies=True) for y in made)
    xr.testing.assert_allclose(one, other, atol=1e-13)


# --- selectivity -----------------------------------------------------------------------------------------------------


def test_a_row_on_the_boundary_of_a_quarter_counts_in_part() -> None:
    """Shares .2, .2, .4, .2 by standing: the bottom quarter is the first row and a quarter of the second."""
    receipt, standing = np.array([[0.1, 0.3, 0.5, 0.9]]), np.array([[-2.0, -1.0, 0.0, 3.0]])
    told = selectivity(receipt, standing, np.array([1.0, 1.0, 2.0, 1.0]))
    bottom, top = (0.2 * 0.1 + 0.05 * 0.3) / 0.25, (0.2 * 0.9 + 0.05 * 0.5) / 0.25
    np.testing.assert_allclose(told["bottom"], bottom)
    np.testing.assert_allclose(told["top"], top)
    np.testing.assert_allclose(told["selectivity"], top - bottom)


def test_people_of_equal_standing_count_alike_at_the_boundary() -> None:
    """Half of all have the lowest standing, in two rows: the bottom quarter is half of each, in any order of rows."""
    receipt, standing = np.array([[0.1, 0.5, 0.6, 0.8]]), np.array([[-1.0, -1.0, 0.5, 1.0]])
    for order in ([0, 1, 2, 3], [1, 0, 3, 2], [3, 1, 2, 0]):
        told = selectivity(receipt[:, order], standing[:, order], np.ones(4))
        np.testing.assert_allclose(told["bottom"], 0.3)
        np.testing.assert_allclose(told["top"], 0.8)


def test_equal_chances_are_not_concentrated() -> None:
    """The Gini coefficient of a lottery is 0, whatever the weights."""
    rng = np.random.default_rng(1)
    told = selectivity(np.full((3, 50), 0.3), rng.normal(size=(3, 50)), rng.uniform(size=50))
    for name in ("selectivity", "gini"):
        np.testing.assert_allclose(told[name], 0.0, atol=1e-14)


def test_gini_is_twice_the_area_above_the_lorenz_curve() -> None:
    """By hand: half of people hold an eighth of receipts, the next quarter a quarter: area .5 - .2109375."""
    # Lorenz points (0, 0), (.5, .125), (.75, .375), (1, 1): area .03125 + .0625 + .171875 = .265625
    told = selectivity(np.array([[0.1, 0.4, 1.0]]), np.zeros((1, 3)), np.array([2.0, 1.0, 1.0]))
    received = np.array([0.0, 0.2, 0.6, 1.6]) / 1.6
    area = np.sum(np.diff([0.0, 0.5, 0.75, 1.0]) * (received[1:] + received[:-1]) / 2)
    np.testing.assert_allclose(told["gini"], 1 - 2 * area)
    np.testing.assert_allclose(area, 0.265625)


def test_selectivity_knows_people_not_rows() -> None:
    """Splitting rows, and telling them in another order, changes none of its numbers."""
    rng = np.random.default_rng(2)
    standing, weight = np.round(rng.normal(size=(4, 30)), 1), rng.uniform(0.5, 2.0, size=30)
    receipt = rng.uniform(size=(4, 30))
    order = rng.permutation(60)
    split = np.concatenate([0.25 * weight, 0.75 * weight])[order]
    told = selectivity(receipt, standing, weight)
    again = selectivity(np.tile(receipt, 2)[:, order], np.tile(standing, 2)[:, order], split)
    for name, values in told.items():
        np.testing.assert_allclose(again[name], values, atol=1e-12)
