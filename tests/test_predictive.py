"""Predictive checks: data drawn under known parameters, counted as the data are."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import designs
import fake_fits
import numpy as np
import pytest
import toys
import xarray as xr
from scipy.special import expit

from largesse import dims, models
from largesse.cells import part
from largesse.predictive import Panel, panels
from largesse.simulators import joint
from largesse.simulators.graded import above, standard_normal_nodes
from largesse.simulators.predictor import predictor

Array = np.ndarray[Any, Any]

DRAWS = 400
FAVOURED = {
    "favour": 0.9,
    "any_disposition": -0.6,
    "much_disposition": 0.5,
    "sincere_disposition": 0.8,
    "willing_disposition": -0.4,
}  # what the toy's answers were drawn without
FAR_OFF = 5.0  # standard errors: of a hundred shares one is farther off by chance in 20,000 runs


@pytest.fixture(scope="module", params=models.SHIPPED)
def made(request: pytest.FixtureRequest) -> tuple[str, list[Panel]]:
    """Panels of a model, all data sets drawn under the toy's truth."""
    return request.param, drawn(informing(request.param), request.param)


def informing(name: str) -> toys.Toy:
    """The toy survey that informs every term of a model."""
    return designs.toy(designs.full(name))


def truth(toy: toys.Toy, name: str) -> toys.Theta:
    """The toy's truth as one draw; of the joint model with favour, and with answers that go with the disposition."""
    known = toy.truth[name] | (FAVOURED if name == "joint" else {})
    return toys.stacked({p: np.asarray(v) for p, v in known.items()})


def drawn(toy: toys.Toy, name: str) -> list[Panel]:
    """Panels of one model under its truth."""
    theta = {p: np.repeat(v, DRAWS, axis=0) for p, v in truth(toy, name).items()}
    return panels(models.get(name).twin, theta, toy.cells[name], np.random.default_rng(5))


def test_shares_of_a_panel_sum_to_one(made: tuple[str, list[Panel]]) -> None:
    """Observed or replicated, everyone in a panel gave exactly one of its answers."""
    for panel in made[1]:
        np.testing.assert_allclose(panel.observed.sum(), 1.0)
        np.testing.assert_allclose(panel.replicated.sum(axis=1), 1.0)
        assert panel.replicated.shape == (DRAWS, len(panel.observed))


def test_every_item_is_seen_in_both_arms(made: tuple[str, list[Panel]]) -> None:
    """A panel for each item and arm; where who receives is explained, one of gifts for each district too."""
    name, found = made
    toy = informing(name)
    gifts = toy.survey.codebook["district"].levels if "gift" in models.get(name).outcomes else ()
    wanted = [("gift", str(d)) for d in gifts] + [(item, arm) for item in toy.outcomes(name) for arm in ("0", "1")]
    assert [(p.item, p.arm) for p in found] == wanted


def test_observed_shares_are_those_of_the_survey(made: tuple[str, list[Panel]]) -> None:
    """Counted respondent by respondent from the survey; who gave no answer is in no panel."""
    table = informing(made[0]).survey.table
    for panel in made[1]:
        if panel.item == "gift":
            where = table["district"] == panel.arm
            shares, people = table.loc[where, "gift"].value_counts(normalize=True).sort_index(), int(where.sum())
        else:
            answers = table.loc[table["gift"] == int(panel.arm), panel.item].dropna()
            shares, people = answers.value_counts(normalize=True, sort=False), len(answers)
        np.testing.assert_allclose(panel.observed, shares.to_numpy())
        assert panel.respondents == people


def test_replicated_shares_scatter_around_those_expected(made: tuple[str, list[Panel]]) -> None:
    """Their mean is the probability of each answer, averaged over the people of the panel who answered."""
    name, found = made
    toy = informing(name)
    for panel in found:
        chance, people = together(toy, panel) if name == "joint" else (expected(toy, name, panel), panel.respondents)
        error = np.sqrt(chance * (1 - chance) / (people * DRAWS))  # at most: people of one panel differ
        assert (np.abs(panel.replicated.mean(axis=0) - chance) < FAR_OFF * error).all()


def expected(toy: toys.Toy, name: str, panel: Panel) -> Array:
    """[answer] mean probability over respondents, each written out from the model's equations."""
    if panel.item == "gift":
        chance = receipt(toy, panel.arm).mean()
        return np.array([1 - chance, chance])
    rows, theta = toy.rows(name), toys.stacked(toy.truth[name])
    k = toy.outcomes(name).index(panel.item)
    seen = (rows["gift"].to_numpy() == int(panel.arm)) & (rows["answer"].to_numpy()[:, k] >= 0)
    people = rows.isel({dims.CELL: np.flatnonzero(seen)})
    if name == toys.SUPPORT:
        return _of_support(people, theta, panel.item).mean(axis=0)
    if name == toys.ANCHORED:
        return _anchored(people, theta, k)
    return _of_bands(people, theta) if name == "market_participation" else _of_item(people, theta, k)


def receipt(toy: toys.Toy, district: str) -> Array:
    """[respondent] chance of a gift of the people of one district."""
    name = "gift_allocation"
    rows = toy.rows(name)
    where = rows["in_district"].to_numpy() == list(rows[dims.DISTRICT].to_numpy()).index(district)
    people, nothing = rows.isel({dims.CELL: np.flatnonzero(where)}), np.zeros(where.sum())
    nodes = standard_normal_nodes(1)
    return models.get(name).twin.predict(toys.stacked(toy.truth[name]), people, nothing, nothing, nodes)["receipt"][0]


def _of_item(people: xr.Dataset, theta: toys.Theta, k: int) -> Array:
    counts = people["answers"].to_numpy()
    start = int((counts[:k] - 1).sum())
    eta = predictor(theta, people, people["gift"].to_numpy(), people["coverage"].to_numpy())
    slope, sd, nodes = theta["discrimination"][:, k], theta["disposition_sd"], standard_normal_nodes(61)
    cuts = theta["cutpoint"][:, start : start + counts[k] - 1].T
    over = [above(eta, cut, slope, sd, nodes).mean() for cut in cuts]
    return -np.diff([1.0, *over, 0.0])


def _anchored(people: xr.Dataset, theta: toys.Theta, k: int) -> Array:
    """Of the item (0), or of a vignette, whose person stands somewhere and is placed more or less sharply."""
    gift, coverage = people["gift"].to_numpy(), people["coverage"].to_numpy()
    style, sharp = predictor(theta, people, gift, coverage, "style_"), theta["vignette_discrimination"]
    own, slope = predictor(theta, people, gift, coverage), np.ones(1)
    stands, slope = (own, slope) if k == 0 else (theta["vignette_place"][:, [k - 1]], sharp)
    cuts = slope * theta["cutpoint"][0][:, None]
    over = [above(stands + style, c, slope, theta["style_sd"], standard_normal_nodes(61)).mean() for c in cuts]
    return -np.diff([1.0, *over, 0.0])


def _of_support(people: xr.Dataset, theta: toys.Theta, item: str, gift: Array | None = None) -> Array:
    """[row, answer] of a yes, or of each count of the list that a respondent was shown."""
    gift, coverage = people["gift"].to_numpy() if gift is None else gift, people["coverage"].to_numpy()
    believe, willing, shift = (
        predictor(theta, people, gift, coverage, f"{e}_")[0] for e in ("sincere", "willing", "control")
    )
    support = expit(believe)
    if item == "list_count":
        upto = [expit(theta["control_cutpoint"][0] - shift[:, None] - z * theta["control_sincere"][0]) for z in (0, 1)]
        without, within = (np.diff(u, axis=1, prepend=0.0, append=1.0) for u in upto)
        control = (1 - support)[:, None] * without + support[:, None] * within
        treated = np.pad((1 - support)[:, None] * without, ((0, 0), (0, 1)))
        treated += np.pad(support[:, None] * within, ((0, 0), (1, 0)))
        longer = (part(people, item)["answer"].to_numpy() > toys.CONTROL_ITEMS).astype(float)
        return np.concatenate([(1 - longer) * control, longer * treated], axis=1)
    over, under = expit(theta["over_intercept"][0] + willing), expit(theta["under_intercept"][0] - willing)
    of_kind = {"direct": (over, 1 - under), "randomised": toys.YES}[item]
    yes = (1 - support) * of_kind[0] + support * of_kind[1]
    return np.stack([1 - yes, yes], axis=1)


def _of_bands(people: xr.Dataset, theta: toys.Theta) -> Array:
    gift, coverage = people["gift"].to_numpy(), people["coverage"].to_numpy()
    part, much = (predictor(theta, people, gift, coverage, prefix)[0] for prefix in ("any_", "much_"))
    taking_part = expit(part - theta["any_cutpoint"][0, 0])
    over = [1.0, *(expit(much - cut) for cut in theta["much_cutpoint"][0]), 0.0]
    bands = [(taking_part * (low - high)).mean() for low, high in pairwise(over)]
    return np.array([1 - taking_part.mean(), *bands])


def together(toy: toys.Toy, panel: Panel) -> tuple[Array, float]:
    """[answer] mean probability of the joint model in an arm of gifts that are drawn too; people expected in that arm.

    Each respondent counts by the chance to be in the arm, at every disposition (Gaussian nodes).
    """
    rows, theta, (u, weight) = toy.rows("joint"), truth(toy, "joint"), standard_normal_nodes(61)
    d = rows["in_district"].to_numpy()
    favour = (theta["favour"][:, None] + theta["favour_district"][:, d])[0]
    receives = expit(joint.log_odds(theta, rows)[0][:, None] + favour[:, None] * u)  # [respondent, node]
    if panel.item == "gift":
        here = receives[rows[dims.DISTRICT].to_numpy()[d] == panel.arm] @ weight
        return np.array([1 - here.mean(), here.mean()]), len(here)
    k, g = toy.outcomes("joint").index(panel.item), int(panel.arm)
    told = rows["answer"].to_numpy()[:, k] >= 0
    count = (receives if g else 1 - receives)[told] * weight
    given = _answers(rows.isel({dims.CELL: np.flatnonzero(told)}), theta, panel.item, g, u)
    return np.array([(count * p).sum() for p in given]) / count.sum(), float(count.sum())


def _answers(rows: xr.Dataset, theta: toys.Theta, item: str, g: int, u: Array) -> list[Array]:
    """[answer] of [respondent, node] probabilities under gift g, at each disposition u."""
    role = str(rows[dims.ROLE].to_numpy()[list(rows[dims.ITEM].to_numpy()).index(item)])
    asked = part(rows, role)
    gift, coverage = np.full(rows.sizes[dims.CELL], g), rows["coverage"].to_numpy()

    def steps(prefix: str, cuts: Array, sharp: float, loading: float) -> list[Array]:
        latent = predictor(theta, rows, gift, coverage, prefix)[0][:, None] + loading * u
        over = [np.ones_like(latent), *(expit(sharp * latent - cut) for cut in cuts), np.zeros_like(latent)]
        return [low - high for low, high in pairwise(over)]

    if role in ("list_count", "direct", "randomised"):
        moved = [{"sincere_intercept": theta["sincere_intercept"] + theta["sincere_disposition"] * node,
                  "over_intercept": theta["over_intercept"] + theta["willing_disposition"] * node,
                  "under_intercept": theta["under_intercept"] - theta["willing_disposition"] * node}
                 for node in u]  # fmt: skip
        each = np.stack([_of_support(rows, theta | shift, role, gift) for shift in moved], axis=-1)
        return list(np.moveaxis(each, 1, 0))
    if role == "market":
        (out, part_), much = (
            steps(name, theta[f"{name}cutpoint"][0], 1.0, float(theta[f"{name}disposition"][0]))
            for name in ("any_", "much_")
        )
        return [out, *(part_ * p for p in much)]
    prefix = "loyalty_" if role == "loyalty" else "before_"
    k, counts = list(asked[dims.ITEM].to_numpy()).index(item), asked["answers"].to_numpy()
    start = int((counts[:k] - 1).sum())
    cuts, sharp = theta[f"{prefix}cutpoint"][0, start : start + counts[k] - 1], theta[f"{prefix}discrimination"][0, k]
    return steps(prefix, cuts, float(sharp), float(theta["loyalty_disposition_sd"][0]))


class Scripted:
    """A simulator that always answers the same, to see who is counted."""

    def answer(self, _theta: Any, rows: xr.Dataset, _rng: Any) -> dict[str, Array]:
        """Everybody gives the highest answer to every item, those who kept silent too."""
        top = rows["answers"].to_numpy() - 1
        return {
            str(item): np.full(rows.sizes[dims.CELL], t) for item, t in zip(rows["item"].to_numpy(), top, strict=True)
        }


def test_the_silent_stay_silent(toy: toys.Toy) -> None:
    """Who did not answer is in no replicate either: shares stay shares of those who answered."""
    cells = toy.cells["reported_loyalty"]
    assert (cells["answer"] < 0).any()
    for panel in panels(Scripted(), {"direct": np.zeros(2)}, cells, np.random.default_rng(1)):
        np.testing.assert_array_equal(panel.replicated, np.tile(np.eye(len(panel.observed))[-1], (2, 1)))


def test_people_of_one_cell_are_drawn_one_by_one(toy: toys.Toy) -> None:
    """Cells of several people scatter as so many people do, not as one who counts several times."""
    name = "gift_allocation"
    cells = toy.cells[name]
    assert cells["people"].max() > 1
    for panel in drawn(toy, name):
        chance = receipt(toy, panel.arm)
        by_hand = (chance * (1 - chance)).sum() / len(chance) ** 2
        assert panel.replicated[:, 1].var() == pytest.approx(by_hand, rel=FAR_OFF * np.sqrt(2 / DRAWS))


class Generous:
    """A simulator that gives to everyone, and lets receivers give the highest answers."""

    def answer(self, _theta: Any, rows: xr.Dataset, _rng: Any) -> dict[str, Array]:
        """The gifts, and the answers that follow them."""
        top = dict(zip(map(str, rows[dims.ITEM].to_numpy()), rows["answers"].to_numpy() - 1, strict=True))
        n = rows.sizes[dims.CELL]
        return {"gift": np.ones(n, dtype=int)} | {item: np.full(n, t) for item, t in top.items()}


def test_answers_are_counted_in_the_arm_of_the_gift_that_was_drawn_with_them(toy: toys.Toy) -> None:
    """Where everyone receives in the replicates, their answers are receivers'; nobody's are of those passed over.

    What was observed stays in the arms of the gifts that were observed.
    """
    cells = toy.cells["joint"]
    for panel in panels(Generous(), {"favour": np.zeros(2)}, cells, np.random.default_rng(1)):
        top = np.eye(len(panel.observed))[-1]
        passed_over = panel.item != "gift" and panel.arm == "0"
        np.testing.assert_array_equal(panel.replicated, np.tile(0 * top if passed_over else top, (2, 1)))
        assert panel.observed.sum() == pytest.approx(1.0)
        assert panel.respondents > 0


def test_each_data_set_has_its_own_draw(toy: toys.Toy) -> None:
    """The s-th data set is drawn under the s-th draw: where the effect of a gift grows, so do the top answers."""
    name = "reported_loyalty"
    model, cells = models.get(name), toy.cells[name]
    theta = fake_fits.fake(model, cells, toy.truth[name], (1, 60), spread=1e-6).theta
    theta |= {"direct": np.linspace(-4, 4, 60)}
    for panel in panels(model.twin, theta, cells, np.random.default_rng(2)):
        together = np.corrcoef(theta["direct"], panel.replicated[:, -1])[0, 1]
        assert together > 0.8 if panel.arm == "1" else abs(together) < 0.5
