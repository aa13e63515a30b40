"""What a plan takes from a pilot or a stated world: sizes, questions and shares, and nothing of a respondent."""

from __future__ import annotations

from pathlib import Path

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import models
from largesse.errors import InputError
from largesse.proposal import parse_vary, proposed, sizes, world_of
from largesse.synthetic import World
from largesse.template import study_of

PILOT = World(
    name="pilot",
    seed=3,
    respondents=300,
    districts=5,
    waves=("first", "second", "third"),
    items={"pride": ("no", "a little", "yes"), "trust": ("none", "some", "much", "all")},
    market=("none", "half", "all"),
    modifiers=("songbun",),
    dont_know=0.06,
    refused=0.04,
)


def test_a_pilot_gives_sizes_questions_and_shares(tmp_path: Path) -> None:
    """The world of a pilot has its districts, waves and items with their answers, and covariates as they were found."""
    inputs = fake_fits.study(tmp_path, PILOT)
    world, table = world_of(inputs), inputs.design.table
    assert (world.respondents, world.districts, len(world.waves)) == (300, 5, 3)
    assert dict(world.items) == dict(PILOT.items)
    assert (world.market, world.modifiers, world.seed) == (PILOT.market, PILOT.modifiers, PILOT.seed)
    found = table["songbun"].value_counts(normalize=True)
    assert dict(world.categorical["songbun"]) == pytest.approx(dict(found), abs=5e-4)
    assert list(world.categorical["songbun"]) == list(PILOT.categorical["songbun"])  # the reference first
    household = table["household"]
    assert world.continuous["household"] == pytest.approx((household.mean(), household.std(ddof=0)), abs=5e-3)
    assert world.dont_know == pytest.approx(0.06, abs=0.02)  # 900 answers: an error of .008
    assert world.refused == pytest.approx(0.04, abs=0.02)
    assert not world.truth


def test_no_respondent_survives_in_the_world_of_a_pilot(tmp_path: Path) -> None:
    """A pilot whose every column was shuffled by itself, so that no row of it is left, gives the same world."""

    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(8)
        free = [c for c in table.columns if c not in ("district", "wave")]
        return table.assign(**{c: rng.permutation(table[c].to_numpy()) for c in free})

    kept = world_of(fake_fits.study(tmp_path / "kept", PILOT))
    mixed = world_of(fake_fits.study(tmp_path / "mixed", PILOT, shuffled))
    assert kept == mixed


def test_a_level_of_one_person_cannot_be_told_from_one_of_five(tmp_path: Path) -> None:
    """A share stands for at least five people, taken from the commonest level: 1 or 5, the world is the same."""

    def rare(hostile: int, wavering: int) -> World:
        def change(table: pd.DataFrame) -> pd.DataFrame:
            levels = np.full(len(table), "core", dtype=object)
            levels[:hostile], levels[-wavering:] = "hostile", "wavering"
            return table.assign(songbun=levels)

        return world_of(fake_fits.study(tmp_path / str(hostile), PILOT, change))

    assert rare(1, 200) == rare(5, 196)
    assert rare(5, 196).categorical["songbun"]["hostile"] == pytest.approx(5 / 300, abs=5e-4)


def test_a_covariate_of_small_numbers_keeps_its_spread(tmp_path: Path) -> None:
    """Numbers of a world are whole, so a covariate with sd .03 is counted in hundredths: mean / sd stays as it was."""
    inputs = fake_fits.study(tmp_path, PILOT, lambda table: table.assign(household=0.03 * table["household"]))
    mean, sd = world_of(inputs).continuous["household"]
    found = inputs.design.table["household"]
    assert 0.5 <= sd < 5
    assert mean / sd == pytest.approx(found.mean() / found.std(ddof=0), rel=0.02)


def test_a_study_is_planned_under_its_own_priors_and_questions(tmp_path: Path) -> None:
    """A study's overrides, ROPE and shares of bands go into its proposal; what the command line asks comes first."""
    prior = models.get("reported_loyalty").priors()["direct"].model_dump(mode="json")
    own = {"reported_loyalty": {"direct": {**prior, "arguments": {**prior["arguments"], "sigma": 0.123}}}}
    asked = {"rope": 0.05, "market_shares": [0.4, 0.9]}
    inputs = fake_fits.study(tmp_path, PILOT, priors=own, estimands=asked)
    found = proposed(inputs.study)
    assert found.models == ("gift_allocation", "reported_loyalty", "market_participation")
    assert found.priors["reported_loyalty"]["direct"].arguments["sigma"] == 0.123
    assert (found.estimands.rope, found.estimands.market_shares) == (0.05, (0.4, 0.9))
    assert found.administrative
    other = proposed(inputs.study, ("reported_loyalty",), rope=0.01, interval=None)
    assert (other.models, other.estimands.rope, other.estimands.interval) == (("reported_loyalty",), 0.01, 0.9)
    with pytest.raises(InputError, match="rope"):
        proposed(inputs.study, rope=2.0)
    with pytest.raises(InputError, match="gift_alocation"):
        proposed(inputs.study, ("gift_alocation",))


def test_without_a_district_file_coverage_is_not_planned_to_be_known(tmp_path: Path) -> None:
    """A study that reads coverage off its own sample is planned with that noise, not with administrative coverage."""
    inputs = fake_fits.study(tmp_path, PILOT, survey={"file": "survey.csv"})
    assert not proposed(inputs.study).administrative


def test_a_proposal_is_read_from_a_study_or_a_world(tmp_path: Path, repo: Path) -> None:
    """A folder or study.toml is a study, a file without [survey] a world with its stated truths."""
    fake_fits.study(tmp_path, PILOT)
    (tmp_path / "study.toml").write_text(study_of(PILOT, ("gift_allocation",)), encoding="utf-8")
    assert proposed(tmp_path) == proposed(tmp_path / "study.toml")
    assert proposed(tmp_path).models == ("gift_allocation",)
    hyesan = repo / "data" / "synthetic" / "hyesan" / "world.toml"
    assert proposed(hyesan).world == World.read(hyesan)
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        proposed(tmp_path / "nowhere.toml")


def test_what_varies_is_read_or_refused_by_name() -> None:
    """`name=sizes` is read in its order; everything that is wrong is said at once."""
    assert parse_vary(["districts=12,24", "items=2, 1"]) == {"districts": (12, 24), "items": (2, 1)}
    wrong = ["towns=3", "districts=", "waves=0", "items=a", "respondents=20,20", "districts", "waves=1", "waves=2"]
    with pytest.raises(InputError) as error:
        parse_vary(wrong)
    assert len(error.value.problems) == 7  # all but `waves=1`
    assert {"'towns=3'", "'waves=0'", "'respondents=20,20'", "waves more than once"} <= {
        p.found for p in error.value.problems
    }


def test_sizes_are_every_combination_with_respondents_per_district() -> None:
    """The product of what varies; people follow districts; items are the first, waves are numbered."""
    found = sizes(PILOT, {"districts": (2, 10), "respondents": (20, 30)})
    assert [(s["districts"], s["respondents"], w.respondents) for s, w in found] == [
        (2, 20, 40),
        (2, 30, 60),
        (10, 20, 200),
        (10, 30, 300),
    ]
    ((_, world),) = sizes(PILOT, {"districts": (10,), "items": (1,), "waves": (2,)})
    assert (world.respondents, list(world.items), world.waves) == (600, ["pride"], ("wave 1", "wave 2"))
    unsorted = PILOT.model_copy(update={"waves": ("spring", "autumn", "winter")})
    assert sizes(unsorted, {})[0][1] == PILOT.model_copy(update={"waves": ("wave 1", "wave 2", "wave 3")})


def test_sizes_that_cannot_be_are_refused_before_anything_is_simulated() -> None:
    """More items than there are, fewer people than places, or a name that does not vary: all are said."""
    with pytest.raises(InputError) as error:
        sizes(PILOT, {"items": (2, 3, 4), "respondents": (1, 50)})
    found = [p.found for p in error.value.problems]
    assert found.count("5 respondents") == 3
    assert {"3 items", "4 items"} <= {*found}
    with pytest.raises(InputError, match="'towns'"):
        sizes(PILOT, {"towns": (1,)})


def stated(*, together: bool) -> World:
    """Three items, and truths by item, by wave and by name: of one model, or of the joint model with an item before."""
    loyalty = {
        "wave_effect": [0.1, -0.1],
        "disposition_sd": 1.3,
        "discrimination": {"pride": 1.0, "trust": 1.3, "hope": 0.8},
        "cutpoint": [[0.2, 0.8], [0.3, 0.3, 0.4], [0.5, 0.5]],
    }
    items = {"pride": ("no", "yes"), "trust": ("none", "some", "all"), "hope": ("no", "yes")}
    world = World(respondents=60, districts=3, waves=("wave 1", "wave 2"), items=items)
    if not together:
        return world.model_copy(update={"truth": {"reported_loyalty": loyalty}})
    before = {"before_discrimination": {"once": 0.9}, "favour": 0.4, "receipt_wave_effect": [0.2, -0.2]}
    truth = {"joint": {f"loyalty_{name}": value for name, value in loyalty.items()} | before}
    return world.model_copy(update={"before": {"once": ("no", "yes")}, "truth": truth})


@pytest.mark.parametrize(("model", "prefix"), [("reported_loyalty", ""), ("joint", "loyalty_")])
def test_stated_truths_follow_the_size(model: str, prefix: str) -> None:
    """Of item truths the first are taken, a term that a size drops goes, and a vector of another length is refused."""
    world = stated(together=model == "joint")
    one, two, three = (w.truth[model] for _, w in sizes(world, {"items": (1, 2, 3)}))
    assert one[f"{prefix}cutpoint"] == world.truth[model][f"{prefix}cutpoint"][:1]
    assert f"{prefix}disposition_sd" not in one
    assert two[f"{prefix}disposition_sd"] == 1.3
    assert f"{prefix}discrimination" not in two
    assert three == world.truth[model]
    ((_, single),) = sizes(world, {"waves": (1,)})
    assert f"{prefix}wave_effect" not in single.truth[model]
    assert single.truth[model].keys() >= {"before_discrimination", "favour"} & world.truth[model].keys()
    with pytest.raises(InputError, match=rf"truth\.{model}\.{prefix}wave_effect"):
        sizes(world, {"waves": (3,)})
    with pytest.raises(InputError, match=rf"truth\.{model}\.{prefix}drect"):
        sizes(world.model_copy(update={"truth": {model: {f"{prefix}drect": 1.0}}}), {})


def test_a_study_of_the_joint_model_is_planned_with_its_questions_and_no_others(tmp_path: Path) -> None:
    """Its world asks before what the pilot asked, and no market question where there is none; favour is a truth then.

    Without items asked before, favour is what the study assumes. The joint model is all that such a world draws from.
    """
    asked = PILOT.model_copy(update={"before": {"once": ("no", "yes")}})
    inputs = fake_fits.study(tmp_path / "before", asked)
    world = world_of(inputs)
    assert (dict(world.before), world.favour, world.market) == ({"once": ("no", "yes")}, None, PILOT.market)
    assert proposed(inputs.study).models == ("joint",)
    with pytest.raises(InputError, match="expected one of joint"):
        proposed(inputs.study, ("reported_loyalty",))
    quiet = fake_fits.study(tmp_path / "quiet", PILOT.model_copy(update={"favour": 0.6, "market": ()}))
    world = world_of(quiet)
    assert (dict(world.before), world.favour, world.market) == ({}, 0.6, ())
    assert set(proposed(quiet.study).priors) == {"joint"}
