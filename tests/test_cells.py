"""Cells: exact counts of patterns, weights, the frame, and what a design lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import designs
import fake_fits
import numpy as np
import pandas as pd
import pytest
import toys

from largesse import dims, models
from largesse.cells import Cells, Design, collapse, effective_size, frame, lacks
from largesse.maps import MAPS
from largesse.settings import Exposure, MapName
from largesse.simulators import joint as twin
from largesse.simulators.graded import standard_normal_nodes
from largesse.study import Study
from largesse.survey import Survey, validate
from largesse.synthetic import World


def weighted(model: str) -> toys.Toy:
    """A toy survey with weights that informs every term of a model."""
    return toys.make(replace(designs.RECIPES[designs.full(model)], weights=True))


NODES = standard_normal_nodes(21)
every_model = pytest.mark.parametrize("model", models.SHIPPED)


def survey_of(table: dict[str, list[Any]], districts: pd.DataFrame | None = None, **columns: Any) -> Survey:
    """A survey of a small table, of which each column named is one with a role."""
    roles = {"gift": "gift", "loyalty": ["pride"], "district": "district", **columns}
    study = {
        "name": "small",
        "title": "Small",
        "seed": 1,
        "models": ["reported_loyalty"],
        "survey": {"file": "small.csv", "districts": None if districts is None else "districts.csv"},
        "columns": {role: column for role, column in roles.items() if column},
        "levels": {"pride": ["low", "middle", "high"]},
    }
    return validate(pd.DataFrame(table), Study.from_table(study, Path("small/study.toml")), "small.csv", districts)


def weighted_cells(toy: toys.Toy, model: str) -> Cells:
    """Cells that count respondents by their weights."""
    everyone = "gift" in models.get(model).outcomes
    cells = collapse(toy.survey, toy.design, toy.outcomes(model), weighted=True, everyone=everyone)
    known = (*models.get(model).assumes, *(["yes"] if "yes" in toy.cells[model] else []))
    return cells.assign({name: toy.cells[model][name] for name in known})


def patterns(cells: Cells) -> pd.DataFrame:
    """[cell] everything that two respondents of one cell share."""
    named = {n: cells[n].to_numpy() for n in ("in_district", "in_wave", "gift")}
    named |= {f"x{j}": cells["x"].to_numpy()[:, j] for j in range(cells.sizes["covariate"])}
    return pd.DataFrame(named | {f"y{k}": cells["answer"].to_numpy()[:, k] for k in range(cells.sizes["item"])})


def log_likelihood(model: str, theta: toys.Theta, cells: Cells) -> float:
    """The whole log-likelihood, counts included, by the NumPy twin."""
    each = models.get(model).twin.loglik(toys.stacked(theta), cells, NODES)[0]
    return float(cells["count"].to_numpy() @ each)


# --- collapse --------------------------------------------------------------------------------------------------


@every_model
def test_cells_have_the_likelihood_of_their_respondents(model: str) -> None:
    """One row per respondent and one row per cell give one log-likelihood, to 1e-8, at draws of the prior."""
    toy = designs.toy(designs.full(model))
    cells, rows = toy.cells[model], toy.rows(model)
    made, rng = models.get(model), np.random.default_rng(8)
    for _ in range(5):
        theta = made.priors().draw(made.parameters, toys.sizes(cells), made.twin.answers(cells), rng)
        assert log_likelihood(model, theta, cells) == pytest.approx(log_likelihood(model, theta, rows), rel=1e-8)


@every_model
def test_cells_count_everyone_once(model: str) -> None:
    """No pattern has two cells; a cell counts the people of its pattern; who has none of the outcomes is left out."""
    toy = designs.toy(designs.full(model))
    cells, rows = toy.cells[model], toy.rows(model)
    assert not patterns(cells).duplicated().any()
    keys = list(patterns(cells).columns)
    expected = patterns(rows).groupby(keys).size()
    counted = patterns(cells).assign(people=cells["people"].to_numpy()).set_index(keys)["people"]
    pd.testing.assert_series_equal(
        counted.sort_index(), expected.sort_index(), check_names=False, check_index_type=False
    )
    asked, gift = list(toy.outcomes(model)), "gift" in models.get(model).outcomes
    silent = 0 if gift else int(toy.survey.table[asked].isna().all(axis=1).sum())
    assert int(cells["people"].sum()) == len(toy.survey.table) - silent


def test_a_respondent_who_answered_one_item_stays() -> None:
    """Of two items, one answered and one not is a pattern with -1; neither answered is no pattern."""
    table = {
        "gift": [0, 1, 0, 1],
        "district": ["a"] * 4,
        "trust": [1, 2, None, None],
        "pride": ["low", None, "high", None],
    }
    survey = survey_of(table, loyalty=["pride", "trust"])
    cells = collapse(survey, Design.of(survey), ("pride", "trust"))
    assert sorted(map(tuple, cells["answer"].to_numpy().tolist())) == [(-1, 1), (0, 0), (2, -1)]
    assert cells["answers"].to_numpy().tolist() == [3, 2]


def test_who_answered_nothing_counts_where_gifts_are_explained(tmp_path: Path) -> None:
    """The joint model keeps everybody's gift: those who answered nothing count with the likelihood of receipt alone.

    Its cells count as many people, and as many receivers, as those of the allocation of gifts.
    """

    def silenced(table: pd.DataFrame) -> pd.DataFrame:
        answers = ["pride", "trust", "market"]
        return table.assign(**{n: table[n].where(np.arange(len(table)) % 4 > 0, "refused") for n in answers})

    world = World(respondents=120, districts=3, favour=0.8)
    inputs = fake_fits.study(tmp_path, world, silenced, asked=("joint", "gift_allocation", "reported_loyalty"))
    joint, gifts, loyalty = (inputs.cells[name] for name in ("joint", "gift_allocation", "reported_loyalty"))
    silent = (joint["answer"].to_numpy() < 0).all(axis=1)
    assert int(joint["people"][silent].sum()) == 30
    assert int(joint["people"].sum()) == int(gifts["people"].sum()) == int(loyalty["people"].sum()) + 30
    assert float(joint["people"] @ joint["gift"]) == float(gifts["people"] @ gifts["gift"])
    theta = {name: value[None] for name, value in (inputs.truth or {})["joint"].items()}
    chance = twin.receipt(theta, joint, NODES)[0]
    expected = np.log(np.where(joint["gift"].to_numpy() == 1, chance, 1 - chance))
    np.testing.assert_allclose(twin.loglik(theta, joint, NODES)[0, silent], expected[silent], rtol=1e-10)


def test_the_order_of_respondents_changes_nothing(toy: toys.Toy) -> None:
    """Cells of a shuffled survey are the cells of the survey, in the same order."""
    table = toy.survey.table.sample(frac=1.0, random_state=1)
    shuffled = Survey(table, toy.survey.items, toy.survey.codebook, None, toy.survey.rows, toy.survey.dropped)
    again = collapse(shuffled, Design.of(shuffled, toy.study.effects.modifiers), toy.survey.items)
    cells = toy.cells["reported_loyalty"]
    for name in ("count", "people", "answer", "gift", "in_district", "in_wave"):
        np.testing.assert_array_equal(again[name], cells[name])
    np.testing.assert_allclose(again["x"], cells["x"], rtol=1e-12)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("model", ["reported_loyalty", "joint"])
def test_people_of_a_cell_face_the_same_under_every_map(name: MapName, model: str, toy: toys.Toy) -> None:
    """A group is a covariate, so cells are exact: one row per respondent and one per cell give one log-likelihood."""
    there, made = facing(name, toy), models.get(model)
    asked, everyone = there.outcomes(model), "gift" in made.outcomes
    assumed = {n: toy.cells[model][n] for n in (*made.assumes, *(["yes"] if "yes" in toy.cells[model] else []))}
    cells = collapse(there.survey, there.design, asked, everyone=everyone).assign(assumed)
    rows = there.rows(model)
    faced = dict(zip(_keys(rows), rows["coverage"].to_numpy(), strict=True))
    np.testing.assert_array_equal([faced[key] for key in _keys(cells)], cells["coverage"])
    theta = made.priors().draw(made.parameters, toys.sizes(cells), made.twin.answers(cells), np.random.default_rng(8))
    assert log_likelihood(model, theta, cells) == pytest.approx(log_likelihood(model, theta, rows), rel=1e-8)


def _keys(cells: Cells) -> list[tuple[float, ...]]:
    return list(patterns(cells).itertuples(index=False, name=None))


def facing(name: MapName, toy: toys.Toy) -> toys.Toy:
    """The toy under a map of exposure, its districts in a ring."""
    names = list(toy.survey.table["district"].cat.categories)
    ring = frozenset((names[i], names[(i + s) % len(names)]) for i in range(len(names)) for s in (-1, 1))
    survey = replace(toy.survey, neighbours=ring)
    design = Design.of(survey, toy.study.effects.modifiers, Exposure(map=name, group="songbun"))
    return replace(toy, survey=survey, design=design)


@pytest.mark.parametrize("name", MAPS)
def test_a_map_changes_what_people_face_and_nothing_else(name: MapName, toy: toys.Toy) -> None:
    """Cells, their order and whatever else they hold are those of the receipt rate, bit for bit."""
    there, plain = facing(name, toy), toy.cells["reported_loyalty"]
    cells = collapse(there.survey, there.design, toy.survey.items)
    changed = {n for n in cells.data_vars if not np.array_equal(cells[n], plain[n], equal_nan=True)}
    assert changed == CHANGED[name]
    assert cells.attrs["coverage_center"] == plain.attrs["coverage_center"]


CHANGED: dict[str, set[str]] = {  # of a sample that no office corrects, the receipt rate is that among the others
    "rate": set(),
    "others": set(),
    "own_group": {"coverage"},
    "neighbours": {"coverage", "coverage_between", "coverage_rate"},
}


# --- weights ---------------------------------------------------------------------------------------------------


@every_model
def test_unit_weights_are_no_weights(model: str) -> None:
    """A survey whose weights are all 1 has the same cells, weighted or not: same order, same counts, bit for bit."""
    toy = designs.toy(designs.full(model))
    assert weighted_cells(toy, model).identical(toy.cells[model])
    np.testing.assert_array_equal(toy.cells[model]["count"], toy.cells[model]["people"])


def test_equal_weights_are_no_weights(toy: toys.Toy) -> None:
    """Weights of 0.7 for everyone count everyone once, up to rounding, and split no cell."""
    table = toy.survey.table.assign(weight=0.7)
    same = Survey(table, toy.survey.items, toy.survey.codebook, None, toy.survey.rows, toy.survey.dropped)
    cells = collapse(same, Design.of(same, toy.study.effects.modifiers), toy.survey.items, weighted=True)
    plain = toy.cells["reported_loyalty"]
    np.testing.assert_array_equal(cells["people"], plain["people"])
    np.testing.assert_allclose(cells["count"], plain["count"], rtol=1e-12)


@every_model
def test_weights_count_to_each_districts_effective_size(model: str) -> None:
    """In each district the counts sum to Kish's (sum w)^2 / sum w^2 of those who answered, never above their number."""
    toy = weighted(model)
    cells, asked = weighted_cells(toy, model), list(toy.outcomes(model))
    table = toy.survey.table
    table = table[table[asked].notna().any(axis=1)] if asked else table
    for d, name in enumerate(cells["district"].to_numpy()):
        weight = table.loc[table["district"] == name, "weight"].to_numpy()
        here = cells["in_district"].to_numpy() == d
        assert float(cells["count"].to_numpy()[here].sum()) == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
        assert float(cells["count"].to_numpy()[here].sum()) < len(weight) == int(cells["people"].to_numpy()[here].sum())


def test_people_of_a_cell_have_one_weight() -> None:
    """Weighted cells are keyed on weight: a count divided by its people is one of the district's few weights."""
    toy = weighted("gift_allocation")
    cells = weighted_cells(toy, "gift_allocation")
    each = cells["count"].to_numpy() / cells["people"].to_numpy()
    for d in range(cells.sizes["district"]):
        here = cells["in_district"].to_numpy() == d
        found = np.unique(each[here].round(12))
        assert len(found) == toy.survey.table["weight"].nunique()
        np.testing.assert_allclose(found / found[0], [1.0, 2.0, 5.0], rtol=1e-9)  # the weights are 0.5, 1 and 2.5


@every_model
def test_weighted_cells_have_the_weighted_likelihood(model: str) -> None:
    """Weighted cells have the log-likelihood in which each respondent's term is multiplied by the rescaled weight."""
    toy = weighted(model)
    cells, rows = weighted_cells(toy, model), toy.rows(model)
    asked = list(toy.outcomes(model))
    table = toy.survey.table[toy.survey.table[asked].notna().any(axis=1)] if asked else toy.survey.table
    w = table["weight"].to_numpy()
    for d in range(rows.sizes["district"]):
        here = rows["in_district"].to_numpy() == d
        rows["count"].to_numpy()[here] = w[here] * w[here].sum() / (w[here] ** 2).sum()
    made = models.get(model)
    theta = made.priors().draw(made.parameters, toys.sizes(cells), made.twin.answers(cells), np.random.default_rng(9))
    assert log_likelihood(model, theta, cells) == pytest.approx(log_likelihood(model, theta, rows), rel=1e-8)


def test_a_weight_of_nothing_counts_for_nothing() -> None:
    """Respondents of weight 0 are people who do not count, even when no one else in their district answered."""
    table = {"gift": [0, 1, 0, 1], "district": list("aabb"), "pride": ["low", "high", "low", None], "w": [2.0, 0, 0, 1]}
    survey = survey_of(table, weight="w")
    cells = collapse(survey, Design.of(survey), ("pride",), weighted=True)
    assert int(cells["people"].sum()) == 3
    assert cells["count"].to_numpy().tolist() == [1.0, 0.0, 0.0]


def test_the_effective_size_does_not_depend_on_the_unit_of_weights() -> None:
    """Kish's effective size is n for equal weights, 1 for one respondent who is everything, whatever the scale."""
    weight = np.array([0.5, 1.0, 2.5, 2.5])
    assert effective_size(np.full(7, 3.2)) == pytest.approx(7.0)
    assert effective_size(np.array([5.0, 0.0, 0.0])) == pytest.approx(1.0)
    assert effective_size(weight) == pytest.approx(effective_size(100 * weight))
    assert 1.0 < effective_size(weight) < 4.0


# --- the design matrix -----------------------------------------------------------------------------------------


def test_design_columns_are_centred_and_scaled_over_respondents(toy: toys.Toy) -> None:
    """Every column has mean 0 over respondents; a number has sd 1; a level differs from its reference by 1."""
    x = toy.rows("gift_allocation")["x"].to_numpy()
    np.testing.assert_allclose(x.mean(axis=0), 0.0, atol=1e-12)
    continuous = [name == "household" for name in toy.cells["gift_allocation"]["covariate"].to_numpy()]
    np.testing.assert_allclose(x[:, continuous].std(axis=0), 1.0, rtol=1e-12)
    for j in np.flatnonzero(~np.array(continuous)):
        assert np.ptp(np.unique(x[:, j])) == pytest.approx(1.0)


def test_other_profiles_are_measured_by_the_same_constants(toy: toys.Toy) -> None:
    """The matrix of a profile that was not asked uses the stored centres and scales; the reference level is all low."""
    levels, household = toy.survey.table["songbun"].cat.categories, toy.survey.table["household"]
    x = toy.design.matrix({"songbun": np.array([levels[0], levels[2]]), "household": np.array([12.0, 0.0])})
    shares = toy.survey.table["songbun"].value_counts(normalize=True)
    np.testing.assert_allclose(x[0, :2], [-shares[levels[1]], -shares[levels[2]]])
    np.testing.assert_allclose(x[1, :2], [-shares[levels[1]], 1 - shares[levels[2]]])
    np.testing.assert_allclose(x[:, 2], (np.array([12.0, 0.0]) - household.mean()) / household.std(ddof=0))


def test_a_profile_has_coordinates_on_the_columns_it_names_and_no_others(toy: toys.Toy) -> None:
    """One profile's coordinates are those of a respondent like it; covariates it does not name have none."""
    columns = list(toy.design.columns.index)
    level = str(toy.survey.table["songbun"].cat.categories[2])
    found = toy.design.coordinates({"songbun": level})
    x = toy.design.matrix({"songbun": np.array([level]), "household": np.array([3.0])})
    assert [columns[j].partition(":")[0] for j in found] == ["songbun"] * len(found)
    assert {j: float(v) for j, v in found.items()} == {j: x[0, j] for j in found}


# --- the frame -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("design", designs.RECIPES)
def test_the_frame_sums_to_one(design: str) -> None:
    """The shares of people in the rows of a frame sum to 1, and no row is empty."""
    toy = designs.toy(design)
    weight = frame(toy.survey, toy.design)["weight"].to_numpy()
    assert weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert (weight > 0).all()


FEW = {
    "gift": [0, 1, 0, 0, 1, 1, 0, 0],
    "district": list("aaaabbbb"),
    "round": [1, 1, 1, 2, 1, 1, 2, 2],
    "pride": ["low", "high"] * 4,
    "songbun": ["core", "core", "hostile", "core", "core", "hostile", "core", "hostile"],
    "w": [1.0, 3.0, 2.0, 1.0, 1.0, 1.0, 4.0, 0.0],
}
POPULATION = pd.DataFrame({"district": ["a", "b"], "population": [9_000.0, 1_000.0]})


def test_districts_count_by_population_waves_alike_and_profiles_by_weight() -> None:
    """A row's share is population share of its district, over the district's waves, times weight share within both."""
    survey = survey_of(FEW, POPULATION, wave="round", weight="w", categorical=["songbun"])
    rows = frame(survey, Design.of(survey))
    levels = list(survey.table["songbun"].cat.categories)
    core = [bool(x > 0) for x in (-1 if levels[0] == "core" else 1) * rows["x"].to_numpy()[:, 0]]
    found = {
        ("ab"[d], t + 1, "core" if c else "hostile"): (weight, received)
        for d, t, c, weight, received in zip(
            rows["in_district"].to_numpy(), rows["in_wave"].to_numpy(), core,
            rows["weight"].to_numpy(), rows["received"].to_numpy(), strict=True,
        )
    }  # fmt: skip
    expected = {
        ("a", 1, "core"): (0.9 / 2 * 4 / 6, 3 / 4),  # weights 1 and 3, the second received
        ("a", 1, "hostile"): (0.9 / 2 * 2 / 6, 0.0),
        ("a", 2, "core"): (0.9 / 2, 0.0),
        ("b", 1, "core"): (0.1 / 2 / 2, 1.0),
        ("b", 1, "hostile"): (0.1 / 2 / 2, 1.0),
        ("b", 2, "core"): (0.1 / 2, 0.0),  # the hostile respondent there has weight 0 and is no row
    }
    assert set(found) == set(expected)
    for key, values in expected.items():
        assert found[key] == pytest.approx(values), key


def test_a_district_that_missed_a_wave_keeps_its_people() -> None:
    """A district's share of people is its population's, in however many waves it was seen."""
    seen = {"gift": [0, 1, 0], "district": list("aab"), "round": [1, 2, 2], "pride": ["low", "high", "low"]}
    survey = survey_of(seen, POPULATION, wave="round")
    rows = frame(survey, Design.of(survey))
    assert rows["weight"].to_numpy() == pytest.approx([0.45, 0.45, 0.1])


def test_without_a_district_file_districts_count_by_their_weights() -> None:
    """Where no population is known a district counts as the sum of its survey weights."""
    survey = survey_of(FEW, None, wave="round", weight="w", categorical=["songbun"])
    rows = frame(survey, Design.of(survey))
    in_b = rows["in_district"].to_numpy() == 1
    assert float(rows["weight"].to_numpy()[in_b].sum()) == pytest.approx(6.0 / 13.0)


def test_a_covariate_may_be_called_anything() -> None:
    """Names of covariates do not clash with what is counted along the way."""
    names = ["people", "count", "given", "received", "answer"]
    table = {k: v for k, v in FEW.items() if k != "songbun"} | {n: [1.0, 2.0, 3.0, 4.0] * 2 for n in names}
    survey = survey_of(table, wave="round", continuous=names)
    cells = collapse(survey, Design.of(survey), ("pride",))
    assert int(cells["people"].sum()) == 8
    rows = frame(survey, Design.of(survey))
    assert float(rows["weight"] @ rows["received"]) == pytest.approx(
        np.mean([[1 / 3, 0.0], [1.0, 0.0]])  # receipt by district and wave; both districts have four respondents
    )


def test_the_frame_and_the_cells_share_one_centre(toy: toys.Toy) -> None:
    """Coverage is centred at one stored constant in cells and frame alike."""
    rows, cells = frame(toy.survey, toy.design), toy.cells["reported_loyalty"]
    assert rows.attrs["coverage_center"] == cells.attrs["coverage_center"] == toy.design.coverage.center
    d, t = rows["in_district"].to_numpy(), rows["in_wave"].to_numpy()
    uncentred = rows["coverage"].to_numpy() + rows.attrs["coverage_center"]
    np.testing.assert_allclose(uncentred, cells["coverage_rate"].to_numpy()[d, t], rtol=1e-12)


# --- what a design lacks ---------------------------------------------------------------------------------------

ON_SUPPORT = {"support", "list experiment", "direct question", "indirect question", "asked together"}
OTHERS = {*ON_SUPPORT, "vignettes"}
LACKS = {  # as seen by the joint model, which reads every question but vignettes
    designs.FULL: set(),
    "one district": {"districts"},  # coverage differs between waves, which a wave effect cannot be told from
    "one wave": {"waves", "changing coverage"},
    "one item": {"two items", "three items"},
    "two items": {"three items"},
    "no covariates": {"covariates", "modifiers"},
    "no modifiers": {"modifiers"},
    "nothing asked before": {"loyalty before"},
    "two market answers": {"amounts"},
}


@pytest.mark.parametrize("design", LACKS)
def test_a_design_lacks_what_was_left_out(design: str) -> None:
    """Each feature left out of a design is found to be lacking, alone, with a sentence that says so."""
    found = lacks(designs.cells(design, "joint"))
    assert set(found) == LACKS[design] | {"vignettes"}
    assert all(len(sentence.split()) >= 4 for sentence in found.values())


@pytest.mark.parametrize(
    ("model", "unasked"),
    [
        ("gift_allocation", {"two items", "three items", "market", "amounts", "loyalty before", *OTHERS}),
        ("reported_loyalty", {"market", "amounts", "loyalty before", *OTHERS}),
        ("market_participation", {"two items", "three items", "loyalty before", *OTHERS}),
        ("anchored_loyalty", {"two items", "three items", "market", "amounts", "loyalty before", *ON_SUPPORT}),
        ("sincere_support", {"two items", "three items", "market", "amounts", "loyalty before", "vignettes"}),
        ("joint", {"vignettes"}),
    ],
)
def test_a_model_lacks_the_questions_that_it_does_not_read(model: str, unasked: set[str]) -> None:
    """Cells know only the questions of their model: what others were asked is not there, however full the survey."""
    assert set(lacks(designs.cells(designs.full(model), model))) == unasked


def test_a_market_question_with_two_answers_lacks_amounts() -> None:
    """Out or in says whether, not how much."""
    assert "amounts" in lacks(designs.cells("two market answers", "market_participation"))
    assert "amounts" not in lacks(designs.cells(designs.FULL, "market_participation"))


@pytest.mark.parametrize(
    ("coverage", "absent"),
    [
        ([0.3, 0.3, 0.3, 0.3], {"coverage", "changing coverage"}),
        ([0.3, 0.3, 0.5, 0.5], {"changing coverage"}),
        ([0.3, 0.4, 0.5, 0.5], set()),
    ],
)
def test_coverage_is_lacking_where_it_does_not_vary(coverage: list[float], absent: set[str]) -> None:
    """Coverage that is the same everywhere, or that never changes within a district, is named as what it is."""
    known = pd.DataFrame({"district": list("aabb"), "round": ["1", "2"] * 2, "coverage": coverage})
    survey = survey_of(FEW, known.rename(columns={"round": dims.WAVE}), wave="round")
    found = lacks(collapse(survey, Design.of(survey), ("pride",)))
    assert {name for name in found if "coverage" in name} == absent
