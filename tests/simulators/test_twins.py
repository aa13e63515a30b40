"""The NumPy twins: what they predict is what the people they simulate do, and their predictor is the card's."""

from __future__ import annotations

from typing import Any, cast

import designs
import numpy as np
import pytest
import toys
import xarray as xr

from largesse import belief, models
from largesse.models.contract import Allocation
from largesse.simulators import gift_allocation, graded, market_participation, reported_loyalty
from largesse.simulators.predictor import predictor

Array = np.ndarray[Any, Any]
NODES = graded.standard_normal_nodes(61)
COPIES = 2_000
FAR_OFF = 5.0  # standard errors; each test below makes at most 40 comparisons
SHARES = np.array([0.1, 0.4, 0.6, 0.9, 1.0])


def some_rows(toy: toys.Toy, model: str) -> xr.Dataset:
    """Ten respondents of all kinds, with the bands' shares where the model asks for amounts."""
    rows = toy.rows(model).isel(cell=slice(None, None, 24))
    assert set(rows["gift"].to_numpy()) == {0, 1}
    return rows.assign(band_share=("band", SHARES))


def simulated(toy: toys.Toy, model: str) -> dict[str, Array]:
    """Column -> [copy, row] answers of many copies of these respondents."""
    many = some_rows(toy, model).isel(cell=np.tile(np.arange(10), COPIES))
    drawn = models.get(model).twin.answer(toys.stacked(toy.truth[model]), many, np.random.default_rng(3))
    return {column: values.reshape(COPIES, 10) for column, values in drawn.items()}


def predicted(toy: toys.Toy, model: str) -> dict[str, Array]:
    """Outcome -> [row] prediction under the truth, own gift and coverage as they are; receipt where it is explained."""
    rows, twin, theta = some_rows(toy, model), models.get(model).twin, toys.stacked(toy.truth[model])
    gift, coverage = rows["gift"].to_numpy().astype(float), rows["coverage"].to_numpy()
    made = twin.predict(theta, rows, gift, coverage, NODES)
    if "gift" in models.get(model).outcomes:
        made |= {"receipt": cast("Allocation", twin).receipt(theta, rows, NODES)}
    return {outcome: values[0] for outcome, values in made.items()}


def assert_means(drawn: Array, expected: Array) -> None:
    """[copy, row] draws average to [row] expectations within standard errors."""
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - expected) < FAR_OFF * error).all()


def test_receipt_is_predicted_as_it_is_simulated(toy: toys.Toy) -> None:
    """The predicted probability of a gift is the share of copies who get one."""
    assert_means(simulated(toy, "gift_allocation")["gift"], predicted(toy, "gift_allocation")["receipt"])


def test_loyalty_is_predicted_as_it_is_simulated(toy: toys.Toy) -> None:
    """The predicted score is the mean over copies of items averaged, each running evenly from 0 to 1."""
    drawn = simulated(toy, "reported_loyalty")
    scores = np.mean([drawn[f"item{k + 1}"] / (n - 1) for k, n in enumerate(toy.recipe.items)], axis=0)
    assert_means(scores, predicted(toy, "reported_loyalty")["loyalty"])


def test_the_market_is_predicted_as_it_is_simulated(toy: toys.Toy) -> None:
    """Taking part is the share of copies above the lowest answer; how much is their mean band share, 0 for the rest."""
    band = simulated(toy, "market_participation")["market"]
    found = predicted(toy, "market_participation")
    assert_means((band > 0).astype(float), found["market_any"])
    assert_means(np.concatenate([[0.0], SHARES])[band], found["market_much"])


def test_how_much_is_the_sum_over_bands_of_share_times_probability(toy: toys.Toy) -> None:
    """Enumerating the six answers with their probabilities gives `market_much`, and their sum is 1."""
    rows, theta = some_rows(toy, "market_participation"), toys.stacked(toy.truth["market_participation"])
    p = []
    for band in range(toy.recipe.market):
        answered = rows.assign(answer=(("cell", "item"), np.full((10, 1), band)))
        p.append(np.exp(market_participation.loglik(theta, answered, NODES)[0]))
    np.testing.assert_allclose(np.sum(p, axis=0), 1.0, rtol=1e-12)
    expected = np.concatenate([[0.0], SHARES]) @ np.array(p)
    np.testing.assert_allclose(predicted(toy, "market_participation")["market_much"], expected, rtol=1e-10)


def test_a_question_with_two_answers_predicts_whether_and_not_how_much() -> None:
    """Out or in: one prediction, simulated answers 0 and 1."""
    toy = toys.make(toys.Recipe(market=2))
    assert set(predicted(toy, "market_participation")) == {"market_any"}
    drawn = simulated(toy, "market_participation")["market"]
    assert set(np.unique(drawn)) == {0, 1}
    assert_means(drawn.astype(float), predicted(toy, "market_participation")["market_any"])


@pytest.mark.parametrize("model", models.SHIPPED)
def test_predictions_have_the_outcomes_of_the_model(model: str) -> None:
    """The twin predicts exactly the outcomes that the model announces, each but a difference between 0 and 1.

    The parts of an effect on what is said are of two states, and no prediction of one.
    """
    found = predicted(designs.toy(designs.full(model)), model)
    assert set(found) == set(models.get(model).predicts) - set(belief.PARTS)
    assert all(((values > 0) & (values < 1)).all() for name, values in found.items() if name not in ("gap", "style"))
    assert all((np.abs(values) < 1).all() for values in found.values())


def test_draws_do_not_mix(toy: toys.Toy) -> None:
    """Three draws worked through together are the three worked through one by one."""
    rows = some_rows(toy, "reported_loyalty")
    model = models.get("reported_loyalty")
    kept, _ = model.active(rows)
    rng = np.random.default_rng(4)
    draws = [model.priors().draw(kept, toys.sizes(rows), model.twin.answers(rows), rng) for _ in range(3)]
    together = {name: np.stack([d[name] for d in draws]) for name in draws[0]}
    gift, coverage = rows["gift"].to_numpy().astype(float), rows["coverage"].to_numpy()
    made = reported_loyalty.predict(together, rows, gift, coverage, NODES)["loyalty"]
    for i, theta in enumerate(draws):
        alone = reported_loyalty.predict(toys.stacked(theta), rows, gift, coverage, NODES)["loyalty"]
        np.testing.assert_allclose(made[i], alone[0], rtol=1e-12)


# --- the predictor, by hand ------------------------------------------------------------------------------------

TWO = xr.Dataset(  # a receiver in district 1, wave 0, and one passed over in district 0, wave 1
    {
        "in_district": ("cell", [1, 0]),
        "in_wave": ("cell", [0, 1]),
        "x": (("cell", "covariate"), [[0.5, -1.0], [-0.25, 2.0]]),
        "modifier_index": ("modifier", [1]),
        "coverage_between": ("district", [-0.1, 0.3]),
    }
)
THETA = {
    "district_effect": [0.2, -0.2],
    "wave_effect": [0.1, -0.1],
    "covariate_effect": [0.4, 0.3],
    "direct": 0.7,
    "direct_district": [-0.05, 0.05],
    "direct_by": [0.25],
    "spillover": -1.2,
    "spillover_by": [0.6],
    "spillover_received": -0.4,
    "between": 0.9,
}
BY_HAND = [
    -0.2 + 0.1 + (0.4 * 0.5 - 0.3 * 1.0) + (0.7 + 0.05 + 0.25 * -1.0) + -0.4 * 0.15 + 0.9 * 0.3,
    0.2 - 0.1 + (0.4 * -0.25 + 0.3 * 2.0) + (-1.2 + 0.6 * 2.0) * -0.05 + 0.9 * -0.1,
]


def test_the_predictor_is_the_sum_on_the_card() -> None:
    """Equation (2) of reported_loyalty, worked out by hand for one who received and one who did not."""
    theta = toys.stacked({name: np.asarray(value) for name, value in THETA.items()})
    found = predictor(theta, TWO, np.array([1.0, 0.0]), np.array([0.15, -0.05]))
    np.testing.assert_allclose(found[0], BY_HAND, rtol=1e-12)


@pytest.mark.parametrize("name", THETA)
def test_a_dropped_term_adds_nothing(name: str) -> None:
    """Without one of its unknowns the predictor is what it is with that unknown at 0."""
    gift, coverage = np.array([1.0, 0.0]), np.array([0.15, -0.05])
    without = toys.stacked({n: np.asarray(v) for n, v in THETA.items() if n != name})
    zero = toys.stacked({n: np.asarray(v) * (n != name) for n, v in THETA.items()})
    np.testing.assert_allclose(predictor(without, TWO, gift, coverage), predictor(zero, TWO, gift, coverage))


def test_the_log_odds_of_a_gift_are_the_sum_on_the_card() -> None:
    """Equation (2) of gift_allocation by hand; standing is x'gamma alone."""
    theta = {"intercept": -1.0, "district_effect": [0.2, -0.2], "wave_effect": [0.1, -0.1],
             "district_wave": [[0.01, 0.02], [0.03, 0.04]], "standing": [0.4, 0.3]}  # fmt: skip
    draws = toys.stacked({name: np.asarray(value) for name, value in theta.items()})
    np.testing.assert_allclose(gift_allocation.standing(draws, TWO)[0], [-0.1, 0.5])
    by_hand = [-1.0 - 0.2 + 0.1 + 0.03 - 0.1, -1.0 + 0.2 - 0.1 + 0.02 + 0.5]
    np.testing.assert_allclose(gift_allocation.log_odds(draws, TWO)[0], by_hand)
