"""The joint twin: made of the three others, one disposition behind all, against the equations of its card by hand."""

from __future__ import annotations

from typing import Any

import designs
import numpy as np
import pytest
import toys
import xarray as xr
from scipy.special import expit
from scipy.stats import norm

from largesse import belief, models
from largesse.cells import part, sizes
from largesse.simulators import gift_allocation, graded, joint, market_participation, reported_loyalty, sincere_support
from largesse.simulators.predictor import predictor

Array = np.ndarray[Any, Any]
NODES = graded.standard_normal_nodes(61)
COPIES = 4_000
FAR_OFF = 5.0  # standard errors; each test below makes at most 60 comparisons
PARTS = {
    "gift_allocation": "receipt_",
    "reported_loyalty": "loyalty_",
    "market_participation": "",
    "sincere_support": "",
}
LOADINGS = ("any_disposition", "much_disposition", "sincere_disposition", "willing_disposition")
SHARES = np.array([0.1, 0.4, 0.6, 0.9, 1.0])  # of income that market bands stand for


def draws(design: str = designs.FULL, n: int = 1, **stated: float) -> toys.Theta:
    """[n] draws of the joint model's priors, with some parameters set."""
    cells, model, rng = designs.cells(design, "joint"), models.get("joint"), np.random.default_rng(6)
    kept, _ = model.active(cells)
    each = [model.priors().draw(kept, sizes(cells), model.twin.answers(cells), rng) for _ in range(n)]
    theta = {name: np.array([d[name] for d in each]) for name in each[0]}
    return theta | {name: np.full_like(theta[name], value) for name, value in stated.items()}


def alone(theta: toys.Theta, model: str) -> toys.Theta:
    """The unknowns that a model of one part of it has, by the names they have there."""
    prefix, names = PARTS[model], {p.name for p in models.get(model).parameters}
    return {name: theta[prefix + name] for name in names if prefix + name in theta}


def some_rows(toy: toys.Toy) -> xr.Dataset:
    """Ten respondents of all kinds, and what market bands stand for."""
    rows = toy.rows("joint").isel(cell=slice(None, None, 24))
    assert set(rows["gift"].to_numpy()) == {0, 1}
    return rows.assign(band_share=("band", SHARES))


def faced(rows: xr.Dataset) -> tuple[Array, Array]:
    """Own gift and coverage as they are."""
    return rows["gift"].to_numpy().astype(float), rows["coverage"].to_numpy()


# --- what it is made of ----------------------------------------------------------------------------------------


def test_without_favour_and_loadings_it_is_the_models_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """No favour, no loadings, no answers before: log-likelihoods add, cell by cell, at equal nodes.

    Correlations of districts are a matter of priors, so the likelihood is the same whatever they are.
    """
    cells = designs.cells("nothing asked before", "joint").assign(favour=0.0)
    theta, few = draws("nothing asked before", 3, **dict.fromkeys(LOADINGS, 0.0)), (21, 31)
    for nodes in map(graded.standard_normal_nodes, few):
        found = joint.loglik(theta, cells, nodes)
        expected = (
            gift_allocation.loglik(alone(theta, "gift_allocation"), cells, nodes)
            + reported_loyalty.loglik(alone(theta, "reported_loyalty"), part(cells, "loyalty"), nodes)
            + market_participation.loglik(alone(theta, "market_participation"), part(cells, "market"), nodes)
            + sincere_support.loglik(alone(theta, "sincere_support"), cells, nodes)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    monkeypatch.setattr(graded, "BLOCK", 1)  # draws worked through one by one
    np.testing.assert_allclose(joint.loglik(theta, cells, nodes), found, rtol=1e-14)


def test_without_favour_its_predictions_are_theirs(toy: toys.Toy) -> None:
    """Receipt without favour is that of gift_allocation; loyalty, a market and support that do not load: of theirs."""
    rows, theta = some_rows(toy), draws(favour=0.0, favour_district=0.0, **dict.fromkeys(LOADINGS, 0.0))
    gift, coverage = faced(rows)
    found = joint.predict(theta, rows, gift, coverage, NODES) | {"receipt": joint.receipt(theta, rows, NODES)}
    asked = {
        "gift_allocation": rows,
        "reported_loyalty": part(rows, "loyalty"),
        "market_participation": part(rows, "market"),
        "sincere_support": rows,
    }
    expected: dict[str, Array] = {}
    for name, questions in asked.items():
        expected |= models.get(name).twin.predict(alone(theta, name), questions, gift, coverage, NODES)
    assert found.keys() == expected.keys() == models.get("joint").predicts.keys() - {*belief.PARTS}
    for outcome, values in expected.items():
        np.testing.assert_allclose(found[outcome], values, rtol=1e-9, err_msg=outcome)


# --- one disposition behind all --------------------------------------------------------------------------------


def given(u: Array, theta: toys.Theta, row: xr.Dataset) -> Array:
    """[disposition] probability of one respondent's gift and answers: equations (1) to (5) of the card."""
    gift, coverage = faced(row)
    d = int(row["in_district"].to_numpy()[0])
    odds = joint.log_odds(theta, row)[0, 0] + (theta["favour"] + theta["favour_district"][:, d])[0] * u
    chance = expit(odds if gift[0] else -odds)  # (1)

    def answered(y: int, prefix: str, cut: Array, sharp: float, loading: float) -> Array | float:
        latent = predictor(theta, row, gift, coverage, prefix)[0, 0] + loading * u
        below = [0.0 * u, *(expit(c - sharp * latent) for c in cut), 1.0 + 0.0 * u]
        return 1.0 if y < 0 else below[y + 1] - below[y]

    sd = float(theta["loyalty_disposition_sd"][0])
    for prefix, role in (("loyalty_", "loyalty"), ("before_", "loyalty_before")):  # (2), (4)
        asked, start = part(row, role), 0
        for k, n in enumerate(asked["answers"].to_numpy()):
            cut = theta[f"{prefix}cutpoint"][0, start : start + n - 1]
            y, sharp = int(asked["answer"].to_numpy()[0, k]), float(theta[f"{prefix}discrimination"][0, k])
            chance, start = chance * answered(y, prefix, cut, sharp, sd), start + n - 1
    band = int(part(row, "market")["answer"].to_numpy()[0, 0])  # (3)
    for prefix, y in (("any_", min(band, 1)), ("much_", max(band - 1, -1))):
        chance = chance * answered(y, prefix, theta[f"{prefix}cutpoint"][0], 1.0, theta[f"{prefix}disposition"][0])
    return np.asarray(chance * supporting(u, theta, row))


def supporting(u: Array, theta: toys.Theta, row: xr.Dataset) -> Array:
    """[disposition] probability of one respondent's answers on support: equation (5), and those of sincere_support."""
    gift, coverage = faced(row)
    eta, nu = (predictor(theta, row, gift, coverage, prefix)[0, 0] for prefix in ("sincere_", "willing_"))
    support = expit(eta + theta["sincere_disposition"][0] * u)
    willing = nu + theta["willing_disposition"][0] * u
    yes = (expit(theta["over_intercept"][0] + willing), expit(willing - theta["under_intercept"][0]))
    hidden = [chance[0, 0] for chance in sincere_support.indirect(theta, row)]
    for kind in (0, 1):
        if (y := int(part(row, "direct")["answer"].to_numpy()[0, 0])) >= 0:
            hidden[kind] = hidden[kind] * (yes[kind] if y else 1 - yes[kind])
    return np.asarray((1 - support) * hidden[0] + support * hidden[1])


def test_the_likelihood_is_the_integral_over_dispositions() -> None:
    """Equation (6) as a sum over dispositions a hundredth apart, for cells of all kinds, under a strong favour."""
    cells, theta = designs.cells(designs.FULL, "joint"), draws(favour=1.1, any_disposition=0.7, much_disposition=-0.5)
    theta |= {"sincere_disposition": np.array([0.9]), "willing_disposition": np.array([-0.4])}
    theta["loyalty_disposition_sd"] = np.array([1.2])
    cells = cells.isel(cell=slice(None, None, cells.sizes["cell"] // 20))
    assert (cells["answer"] < 0).any()
    u = np.arange(-1000, 1001) / 100
    for i, found in enumerate(np.exp(joint.loglik(theta, cells, NODES)[0])):
        exact = 0.01 * (given(u, theta, cells.isel(cell=[i])) @ norm.pdf(u))
        assert found == pytest.approx(exact, rel=1e-6)


def test_predictions_are_averages_over_people_of_each_disposition(toy: toys.Toy) -> None:
    """What people of each disposition do, by how many they are, is the prediction: three draws, all outcomes."""
    rows, theta = some_rows(toy), draws(n=3)
    gift, coverage = faced(rows)
    points, weights = NODES
    found = list(joint.given(theta, rows, gift, coverage, points))
    expected = joint.predict(theta, rows, gift, coverage, NODES)
    assert len(found) == len(points)
    for outcome, values in expected.items():
        each = np.array([at[outcome] for at in found])
        np.testing.assert_allclose(np.tensordot(weights, each, axes=1), values, rtol=1e-12)


def test_people_of_one_disposition_do_what_is_given_for_it(toy: toys.Toy) -> None:
    """Copies of ten respondents, all of disposition 1.5: mean receipt and mean outcomes are those given for 1.5."""
    rows, theta, rng = some_rows(toy), draws(favour=0.9), np.random.default_rng(7)
    many, u = rows.isel(cell=np.tile(np.arange(10), COPIES)), np.full(10 * COPIES, 1.5)
    said = {name: v.reshape(COPIES, 10) for name, v in joint.say(theta, many, u, rng).items()}
    scores = np.mean([said[f"item{k + 1}"] / (n - 1) for k, n in enumerate(toy.recipe.items)], axis=0)
    band = said["market"]
    found = {"loyalty": scores, "market_any": band > 0, "market_much": np.concatenate([[0.0], SHARES])[band],
             "said": said["direct"]}  # fmt: skip
    (expected,) = joint.given(theta, rows, *faced(rows), np.array([1.5]))
    chance = expit(joint.log_odds(theta, rows) + 1.5 * joint.favour(theta, rows))
    found["receipt"] = joint.receive(theta, many, u, rng).reshape(COPIES, 10)
    told = {name: v for name, v in expected.items() if name not in ("sincere", "gap")}  # which nobody sees
    for outcome, values in (told | {"receipt": chance}).items():
        error = np.maximum(found[outcome].std(axis=0, ddof=1), 0.5 / np.sqrt(COPIES)) / np.sqrt(COPIES)
        assert (np.abs(found[outcome].mean(axis=0) - values[0]) < FAR_OFF * error).all(), outcome


def test_who_receives_says_nothing_of_answers_among_people_of_one_disposition(toy: toys.Toy) -> None:
    """Where a gift does nothing, receivers of a disposition answer like those passed over; of all dispositions, not.

    Scores of 40,000 copies, half of whom receive: under favour 2 receivers' dispositions are an sd apart from others',
    which is a hundred standard errors of scores.
    """
    nothing = ("direct", "direct_district", "direct_by", "spillover", "spillover_by", "spillover_received", "between")
    theta = draws(favour=2.0, **{f"loyalty_{name}": 0.0 for name in nothing})
    theta["loyalty_disposition_sd"] = np.array([1.5])
    row = some_rows(toy).isel(cell=[0])
    theta["receipt_intercept"] -= joint.log_odds(theta, row)[:, 0]
    many, rng = row.isel(cell=np.zeros(40_000, dtype=int)), np.random.default_rng(8)

    def apart(u: Array) -> float:
        gift = joint.receive(theta, many, u, rng)
        said = joint.say(theta, many.assign(gift=("cell", gift)), u, rng)
        score = np.mean([said[f"item{k + 1}"] / (n - 1) for k, n in enumerate(toy.recipe.items)], axis=0)
        arms = [score[gift == g] for g in (0, 1)]
        error = np.sqrt(sum(arm.var() / len(arm) for arm in arms))
        return float((arms[1].mean() - arms[0].mean()) / error)

    assert abs(apart(np.full(40_000, -0.5))) < FAR_OFF
    assert apart(rng.normal(size=40_000)) > 4 * FAR_OFF


def test_answers_follow_the_gift_that_is_drawn_with_them(toy: toys.Toy) -> None:
    """The gift is among what is simulated; its share is the predicted receipt, whoever received in the data."""
    rows, theta = some_rows(toy), draws(favour=1.2)
    drawn = joint.answer(theta, rows.isel(cell=np.tile(np.arange(10), COPIES)), np.random.default_rng(9))
    assert set(drawn) == {"gift", *toy.outcomes("joint")}
    gift, expected = drawn["gift"].reshape(COPIES, 10), joint.receipt(theta, rows, NODES)[0]
    error = np.sqrt(expected * (1 - expected) / COPIES)
    assert (np.abs(gift.mean(axis=0) - expected) < FAR_OFF * error).all()
    swapped = joint.receipt(theta, rows.assign(gift=1 - rows["gift"]), NODES)[0]
    np.testing.assert_array_equal(swapped, expected)


def test_favour_is_a_truth_of_each_district_or_what_is_assumed(toy: toys.Toy) -> None:
    """Estimated it is the average and the district's own; where nothing was asked before it is what the study says."""
    rows, theta = some_rows(toy), draws(favour=0.4)
    own = theta["favour_district"][:, rows["in_district"].to_numpy()]
    np.testing.assert_allclose(joint.favour(theta, rows), 0.4 + own)
    bare = {name: v for name, v in theta.items() if not name.startswith("favour")}
    np.testing.assert_array_equal(joint.favour(bare, rows.assign(favour=-0.3)), np.full((1, 10), -0.3))
