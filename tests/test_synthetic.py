"""Synthetic worlds: what is drawn, what is true, and that a file says what it is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from largesse import models
from largesse.cells import sizes
from largesse.errors import InputError
from largesse.inputs import gather
from largesse.models.contract import coords
from largesse.study import Study
from largesse.synthetic import ALLOCATION, ITEM, JOINT, LOYALTY, MARKET, Synthetic, World, simulate
from largesse.template import start, study_of

LARGE = World(seed=3, respondents=20_000, districts=10, dont_know=0.05, refused=0.02)
WORLDS = {  # of three models, and of the joint model: favour set, and favour a truth
    "apart": LARGE,
    "favoured": LARGE.model_copy(update={"favour": 1.2}),
    "asked before": LARGE.model_copy(update={"before": {"once": ITEM, "then": ("no", "yes")}}),
}


@pytest.fixture(scope="module", params=WORLDS)
def large(request: pytest.FixtureRequest) -> Synthetic:
    """A large world whose truth is drawn from the priors."""
    return simulate(WORLDS[request.param])


def test_the_shipped_survey_is_what_its_world_draws(repo: Path, tmp_path: Path) -> None:
    """The files of data/synthetic/hyesan are what `world.toml` gives: answers byte for byte, truths to 13 digits.

    Sums of products end in another digit on another kind of processor; an answer does not follow it.
    """
    folder = repo / "data" / "synthetic" / "hyesan"
    simulate(World.read(folder / "world.toml")).write(tmp_path)
    for name in ("survey.csv", "districts.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    drawn, shipped = (json.loads((at / "truth.json").read_text(encoding="utf-8")) for at in (tmp_path, folder))
    assert {**drawn, "parameters": None} == {**shipped, "parameters": None}
    for model, theta in shipped["parameters"].items():
        assert drawn["parameters"][model].keys() == theta.keys()
        for name, values in theta.items():
            np.testing.assert_allclose(drawn["parameters"][model][name], values, rtol=1e-13, atol=1e-15, err_msg=name)


def test_a_seed_decides_everything() -> None:
    """The same world gives the same survey; another seed gives another."""
    world = World(respondents=100)
    assert simulate(world).survey.equals(simulate(world).survey)
    assert not simulate(world).survey.equals(simulate(world.model_copy(update={"seed": 1})).survey)


def test_coverage_in_the_file_is_the_expected_receipt_rate(large: Synthetic) -> None:
    """The share receiving in each district and wave is, within sampling error, the coverage of the district file."""
    counted = large.survey.groupby(["district", "wave"])["gift"].agg(["mean", "size"])
    known = large.districts.set_index(["district", "wave"])["coverage"].reindex(counted.index)
    z = (counted["mean"] - known) / np.sqrt(known * (1 - known) / counted["size"])
    # 20 offices: a |z| of 4.5 happens once in seven thousand sets of this size; receipts vary less than binomially
    # around the mean of unequal chances, so the bound is conservative.
    assert np.abs(z).max() < 4.5


def test_silence_is_as_frequent_as_the_world_says(large: Synthetic) -> None:
    """Among every question's answers, "don't know" and "refused" make up their declared shares."""
    for question in (*LARGE.items, "market", *large.world.before):
        said = large.survey[question].value_counts(normalize=True)
        assert abs(said["don't know"] - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 20_000)
        assert abs(said["refused"] - 0.02) < 5 * np.sqrt(0.02 * 0.98 / 20_000)


def test_the_truth_covers_every_parameter_of_the_design(large: Synthetic, tmp_path: Path) -> None:
    """`truth.json` holds a value of the right shape for every parameter a model keeps in this design, and no other."""
    large.write(tmp_path)
    start(tmp_path, study_of(large.world, large.world.models))
    inputs = gather(Study.read(tmp_path))
    assert inputs.truth is not None
    assert inputs.truth.keys() == {*large.world.models}
    for model in inputs.models:
        cells = inputs.cells[model.name]
        kept, _ = model.active(cells)
        assert inputs.truth[model.name].keys() == {p.name for p in kept}
        answers = model.twin.answers(cells)
        for p in kept:
            shape = tuple(sum(n - 1 for n in answers[d]) if d in answers else sizes(cells)[d] for d in p.dims)
            assert inputs.truth[model.name][p.name].shape == shape, p.name


def test_given_truths_are_kept() -> None:
    """What the world states is the truth of the survey; cutpoints are given as shares of answers at predictor 0."""
    world = World(respondents=60, truth={LOYALTY: {"direct": 0.4, "cutpoint": [[0.25] * 4, [0.25] * 4]}})
    truth = simulate(world).truth[LOYALTY]
    assert truth["direct"] == 0.4
    np.testing.assert_allclose(truth["cutpoint"], np.tile(np.log([1 / 3, 1.0, 3.0]), 2))


def test_a_truth_of_no_parameter_is_refused() -> None:
    """A misspelled truth, and the truth of a term that the design drops, are errors that name the key."""
    for name, said in (("dirict", "no such parameter"), ("direct_by", "a term that this design drops")):
        with pytest.raises(InputError, match=said) as caught:
            simulate(World(respondents=60, truth={LOYALTY: {name: 0.1}}))
        assert caught.value.problems[0].key == f"truth.{LOYALTY}.{name}"


def test_a_typo_in_a_world_is_named(tmp_path: Path) -> None:
    """An unknown key of world.toml is an input error naming file and key."""
    path = tmp_path / "world.toml"
    path.write_text("respondants = 3\n", encoding="utf-8")
    with pytest.raises(InputError, match="respondants"):
        World.read(path)


def test_everything_synthetic_says_so(tmp_path: Path) -> None:
    """The truth file and the study record of a synthetic survey are marked synthetic, and districts are numbers."""
    world = World(respondents=60)
    simulate(world).write(tmp_path)
    start(tmp_path, study_of(world, (LOYALTY,)))
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["synthetic"] is True
    assert Study.read(tmp_path).synthetic
    assert all(name.startswith("district ") for name in world.district_names)


def test_every_shipped_model_can_be_drawn_from() -> None:
    """The shipped models are those that a synthetic world draws apart, and the one that it draws together."""
    drawn = [set(world.models) for world in WORLDS.values()]
    assert drawn == [{ALLOCATION, LOYALTY, MARKET}, {JOINT}, {JOINT}]
    others = World(direct=True).models, World(items={"trust": ITEM}, vignettes=("low",)).models
    assert set(models.SHIPPED) == set.union(*drawn, *others)


# --- one disposition behind receipt and answers ----------------------------------------------------------------------

NOTHING = {  # a gift does nothing, and answers differ by nothing but the disposition
    "loyalty_direct": 0.0,
    "loyalty_direct_district": [0.0] * 10,
    "loyalty_spillover": 0.0,
    "loyalty_spillover_received": 0.0,
    "loyalty_covariate_effect": [0.0] * 3,
    "loyalty_disposition_sd": 1.5,
}


def apart(world: World) -> tuple[float, float]:
    """How much higher receivers score than those passed over, within offices, and its standard error."""
    table = simulate(world).survey
    score = np.mean([table[item].map(ITEM.index) / (len(ITEM) - 1) for item in world.items], axis=0)
    within = score - pd.Series(score).groupby([table["district"], table["wave"]]).transform("mean").to_numpy()
    gift = table["gift"] - table.groupby(["district", "wave"])["gift"].transform("mean")
    slope = float(gift @ within / (gift @ gift))
    return slope, float(np.std(within - slope * gift) / np.sqrt(gift @ gift))


def test_answers_go_with_gifts_as_far_as_offices_favour_the_loyal() -> None:
    """Gifts that do nothing go with loyalty within offices by selection alone: the more, the stronger the favour."""
    base = World(seed=8, respondents=8_000, districts=10, truth={JOINT: NOTHING})
    found = [apart(base.model_copy(update={"favour": favour})) for favour in (-0.6, 0.0, 0.6, 1.8)]
    slopes, errors = np.array(found).T
    assert slopes[0] < -5 * errors[0]
    assert abs(slopes[1]) < 5 * errors[1]
    assert (np.diff(slopes) > 5 * errors[1:]).all()


def test_what_people_said_before_goes_with_what_they_say_after() -> None:
    """Items asked before share the disposition: answers before and after are associated where districts are not.

    A joint world of one district and one wave, with no covariate effects: Spearman's r errs by .02 among 3,000.
    """
    bare = {"respondents": 3_000, "districts": 1, "waves": ("one",), "categorical": {}, "continuous": {}}
    truth = {"loyalty_disposition_sd": 1.5, "loyalty_direct": 0.0, "before_discrimination": [1.0], "favour": 0.0}
    table = simulate(World(**bare, before={"once": ITEM}, truth={JOINT: truth})).survey
    coded = table[["once", "pride", "trust"]].apply(lambda answers: answers.map(ITEM.index))
    assert coded.corr(method="spearman").to_numpy().min() > 0.2


def test_a_joint_world_takes_truths_by_item_by_place_and_by_name() -> None:
    """Truths of items asked before and after are given by their names or in order; favour is one of them."""
    stated = {
        "favour": 0.4,
        "loyalty_discrimination": {"pride": 1.0, "trust": 1.3, "hope": 0.8},
        "before_discrimination": {"then": 0.7, "once": 0.9},
        "before_cutpoint": [[0.25] * 4, [0.5, 0.5]],
    }
    world = World(
        respondents=60,
        items={"pride": ITEM, "trust": ITEM, "hope": ITEM},
        before={"once": ITEM, "then": ("no", "yes")},
        truth={JOINT: stated},
    )
    truth = simulate(world).truth[JOINT]
    assert truth["favour"] == 0.4
    assert truth["loyalty_discrimination"].tolist() == [1.0, 1.3, 0.8]
    assert truth["before_discrimination"].tolist() == [0.9, 0.7]
    np.testing.assert_allclose(truth["before_cutpoint"], np.log([1 / 3, 1.0, 3.0, 1.0]), atol=1e-12)


def test_a_favour_that_is_set_is_no_truth() -> None:
    """Without items asked before favour is what the study assumes: its record says so, and no truth is named so."""
    world = World(respondents=60, favour=0.7)
    assert not [name for name in simulate(world).truth[JOINT] if name.startswith(("favour", "before_"))]
    assert Study.from_table(tomllib.loads(study_of(world, world.models)), Path("study.toml")).effects.favour == 0.7
    with pytest.raises(InputError, match="a term that this design drops"):
        simulate(world.model_copy(update={"truth": {JOINT: {"favour": 0.7}}}))


def test_a_favour_beside_items_asked_before_is_refused(tmp_path: Path) -> None:
    """There it is one of the truths: the message names the key in its place."""
    path = tmp_path / "world.toml"
    path.write_text('favour = 0.5\n[before]\nonce = ["no", "yes"]\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        World.read(path)
    (problem,) = caught.value.problems
    assert problem.key == "key 'favour'"
    assert problem.expected == "truth.joint.favour"


def test_a_joint_world_may_have_no_market(tmp_path: Path) -> None:
    """Without a market question there is no such column, no such truth, and a study that reads what there is."""
    world = World(respondents=200, favour=0.3, market=())
    made = simulate(world)
    assert "market" not in made.survey
    assert not [name for name in made.truth[JOINT] if "any" in name or "much" in name]
    made.write(tmp_path)
    start(tmp_path, study_of(world, world.models))
    (cells,) = gather(Study.read(tmp_path)).cells.values()
    assert coords(cells, models.get(JOINT).twin).keys().isdisjoint({"any_cut", "much_cut"})
