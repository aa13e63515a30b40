"""Vignettes: order by hand, studies as users have them, and a ranking that turns round once answers are anchored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from largesse import checks, findings, models
from largesse.checks import Asked
from largesse.errors import InputError
from largesse.headcount import Headcount
from largesse.inputs import Inputs, gather
from largesse.replicate import as_read
from largesse.results import Answer
from largesse.sampling import fit
from largesse.settings import Sampler
from largesse.study import Study
from largesse.synthetic import ITEM, World, simulate
from largesse.vignettes import order, pairs, told

MODEL = models.get("anchored_loyalty")
SAMPLER = Sampler(draws=500, tune=500, chains=2)
SHORT = """
name = "judged"
title = "Loyalty on one scale"
models = ["anchored_loyalty"]
seed = 1
survey = { file = "survey.csv" }
columns = { gift = "gift", loyalty = ["own"], vignettes = ["trader", "clerk"], district = "place" }
"""


def people(judged: Mapping[tuple[int, int], int]) -> pd.DataFrame:
    """So many people with each pair of answers on two vignettes, half of each with a gift, in two districts."""
    rows = [(i % 2, i // 2 % 2 + 1, 1 + i % 5, a, b) for (a, b), n in judged.items() for i in range(n)]
    table = pd.DataFrame(rows, columns=["gift", "place", "own", "trader", "clerk"])
    return table.assign(place=table["place"].map({1: "north", 2: "south"}))


def read(folder: Path, table: pd.DataFrame, study: str = SHORT) -> Inputs:
    """A study as a user has it: a survey and a study file."""
    table.to_csv(folder / "survey.csv", index=False)
    (folder / "study.toml").write_text(study, encoding="utf-8")
    return gather(Study.read(folder))


SOME = {(1, 3): 40, (2, 2): 20, (4, 2): 12}


def test_pairs_are_counted_by_hand(tmp_path: Path) -> None:
    """Forty in the order listed, twenty alike, twelve the other way; each gift group and district has half of each."""
    found = {pair.group: pair for pair in pairs(read(tmp_path, people(SOME)).cells[MODEL.name])}
    assert {*found} == {"everyone", "without a gift", "with a gift", "north", "south"}
    assert found["everyone"][3:] == (40, 20, 12)
    assert found["with a gift"][3:] == (20, 10, 6)
    assert found["everyone"].p == pytest.approx(binom.sf(11, 52, 0.5))


def test_a_group_that_sees_other_persons_is_found_and_is_not_lost_in_the_rest(tmp_path: Path) -> None:
    """Of the south thirty in forty put the trader above the clerk; elsewhere nearly nobody does."""
    table = people({(1, 3): 200, (4, 2): 4})
    south = table.index[table["place"] == "south"][:40]
    table.loc[south[:30], ["trader", "clerk"]] = [4, 2]
    kept = table[(table["place"] == "north") | table.index.isin(south)]
    inputs = read(tmp_path, kept)
    found = order(inputs.cells[MODEL.name])
    assert found is not None
    assert found.worst.group == "south"
    assert found.p < 0.01
    assert checks.same_persons(Asked(MODEL, {}, inputs)).answer is Answer.FAILED
    whole = read(tmp_path, people({(1, 3): 200, (4, 2): 4}))
    assert checks.same_persons(Asked(MODEL, {}, whole)).answer is Answer.PASSED


def test_groups_of_fewer_than_ten_are_not_told(tmp_path: Path) -> None:
    """Nine people of the south judged both persons: the south is no group."""
    table = people(SOME)
    south = table.index[table["place"] == "south"]
    table.loc[south[9:], "clerk"] = np.nan
    assert "south" not in {pair.group for pair in pairs(read(tmp_path, table).cells[MODEL.name])}


WRONG: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str, str]] = {
    "two items": (
        lambda t: t.assign(other=t["own"]),
        SHORT.replace('["own"]', '["own", "other"]'),
        "2 items on loyalty, beside vignettes",
    ),
    "no item": (lambda t: t, SHORT.replace('loyalty = ["own"], ', ""), "0 items on loyalty, beside vignettes"),
    "other levels": (
        lambda t: t,
        SHORT + '[levels]\nown = ["1", "2", "3", "4", "5"]\ntrader = ["1", "2", "3"]\n',
        "other levels than those of the item",
    ),
    "other answers in words": (
        lambda t: t.assign(own=t["own"].map(str), trader=t["trader"].map({1: "low", 2: "middle", 4: "high"})),
        SHORT,
        "an unordered item",
    ),
    "an answer beyond the item's": (
        lambda t: t,
        SHORT + '[levels]\nown = ["1", "2", "3"]\n',
        "the answer",
    ),
    "no vignettes": (lambda t: t, SHORT.replace('vignettes = ["trader", "clerk"], ', ""), "columns.vignettes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_layout_is_refused_with_what_was_found(name: str, tmp_path: Path) -> None:
    """Nothing is sampled, and the message says what was found."""
    change, study, found = WRONG[name]
    with pytest.raises(InputError, match=found):
        read(tmp_path, change(people(SOME)), study)


def test_an_answer_that_only_a_vignette_was_given_is_one_of_the_scale(tmp_path: Path) -> None:
    """Nobody answers 5 on oneself, someone does on the clerk: item and vignettes have five answers, in their order."""
    table = people({**SOME, (1, 5): 10})
    table["own"] = np.minimum(table["own"], 4)
    cells = read(tmp_path, table).cells[MODEL.name]
    assert cells["answers"].to_numpy().tolist() == [5, 5, 5]
    seen = cells["answer"].to_numpy()
    assert seen[:, 0].max() == 3
    assert sorted({*seen[:, 2]}) == [1, 2, 4]  # the answers 2, 3 and 5


# --- what anchoring is for -------------------------------------------------------------------------------------

STILL = {f"{on}{term}": 0.0 for on in ("", "style_") for term in
         ("district_sd", "direct_sd", "spillover", "spillover_received", "between")}  # fmt: skip


def world(respondents: int, **truth: Any) -> World:
    """One item of four answers, three vignettes, two districts or four, one kind of people."""
    known = {**STILL, "vignette_place": [-1.5, 0.0, 1.5], "vignette_discrimination": 1.2, "style_sd": 0.6, **truth}
    return World(name="anchors", seed=20261126, respondents=respondents, districts=4, categorical={}, continuous={},
                 items={"trust": ITEM}, vignettes=("low", "middle", "high"), market=(),
                 truth={MODEL.name: known})  # fmt: skip


def fitted(asked: World) -> tuple[Inputs, dict[str, findings.Estimate], dict[str, Any]]:
    """The inputs of a world, its estimates by key, and what a page says of its vignettes."""
    inputs = as_read(simulate(asked), MODEL, MODEL.priors())
    found = fit(MODEL, inputs.cells[MODEL.name], inputs.priors[MODEL.name], SAMPLER, seed=1)
    estimates = {e.key: e for e in findings.estimates(found, MODEL, inputs)}
    return inputs, estimates, told(inputs, findings.estimate(found, MODEL, inputs), Headcount.of(inputs).order)


def test_districts_change_places_once_answers_are_anchored() -> None:
    """The more loyal districts use lower answers, so that by answers alone they come out as the less loyal ones.

    2,000 people in four districts, loyalty .5 and -.5 logits, style -1.5 and 1.5: by answers districts one and two lie
    lower, in truth higher; anchored, they lie higher, with intervals apart.
    """
    loyal, lenient = [0.5, 0.5, -0.5, -0.5], [-1.5, -1.5, 1.5, 1.5]
    scales = {"district_sd": 0.6, "style_district_sd": 1.5, "direct": 0.0, "style_direct": 0.0}
    _, found, _ = fitted(world(2_000, district_effect=loyal, style_district_effect=lenient, **scales))
    first, last = "district 01", "district 04"
    assert found[f"answered.level.0.{first}"].upper < found[f"answered.level.0.{last}"].lower
    assert found[f"anchored.level.0.{first}"].lower > found[f"anchored.level.0.{last}"].upper
    for e in (found[f"{outcome}.level.0.{d}"] for outcome in ("anchored", "answered") for d in (first, last)):
        assert e.truth is not None
        assert abs(e.mean - e.truth) < 4 * e.sd


@pytest.mark.parametrize(("loyalty", "style", "mostly"), [(0.9, 0.0, "belief"), (0.0, 0.9, "words")])
def test_a_gift_that_moves_one_of_the_two_is_found_to(loyalty: float, style: float, mostly: str) -> None:
    """A gift moves loyalty by .9 logits and style by none, or the other way: 4,000 people tell which."""
    _, found, said = fitted(world(4_000, direct=loyalty, style_direct=style))
    assert said["parts"]["direct"]["mostly"] == mostly
    for key in ("anchored.direct", "answered.direct", "style.direct"):
        e = found[key]
        assert e.truth is not None
        assert e.lower - 0.01 < e.truth < e.upper + 0.01
    assert found["answered.direct"].mean == pytest.approx(found["anchored.direct"].mean + found["style.direct"].mean)


def test_a_small_survey_cannot_tell_them_apart() -> None:
    """The same gift in a survey of 120 people: no verdict."""
    _, _, said = fitted(world(120, direct=0.0, style_direct=0.9))
    assert said["parts"]["direct"]["mostly"] == "cannot tell"
