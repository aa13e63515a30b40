"""The ledger: under the right model its checks pass, under a wrong one those fail that speak to what is wrong."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pandas as pd
import pytest

from largesse import checks, ledger
from largesse.checks import Asked
from largesse.inputs import Inputs
from largesse.results import Answer
from largesse.synthetic import ITEM, World
from largesse.template import study_of

THREE = {"pride": ITEM, "trust": ITEM, "praise": ITEM}
FAVOURED = {"favour": 1.0, "loyalty_disposition_sd": 1.3, "before_discrimination": [1.0], "receipt_intercept": -0.5}
WORLD = World(name="favoured", seed=1, respondents=900, items=THREE, before={"earlier": ITEM},
              truth={"joint": FAVOURED})  # fmt: skip
APART = World(name="apart", seed=6, respondents=900, items=THREE, truth={"gift_allocation": {"intercept": -0.5}})
TIGHT = 0.01  # draws so near the truth that only the data are noise


def answers(inputs: Inputs, model: str) -> dict[str, str]:
    """Check -> its answer for one model, on a fit around the truth."""
    rows = ledger.ledger(fake_fits.fits(inputs, spread=TIGHT), inputs)
    return {row["check"]: row["answer"] for row in rows if row["model"] == model and row["check"]}


@pytest.fixture(scope="module")
def favoured(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A world in which offices favour the privately loyal, and loyalty was asked before."""
    return fake_fits.study(tmp_path_factory.mktemp("favoured"), WORLD)


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A world in which they do not, read by models apart."""
    return fake_fits.study(tmp_path_factory.mktemp("apart"), APART)


def test_under_the_model_that_drew_the_data_no_check_fails(favoured: Inputs, apart: Inputs) -> None:
    """Every check passes of the joint world; of the world apart nothing fails, and nothing from before is asked."""
    assert set(answers(favoured, "joint").values()) == {"passed"}
    found = answers(apart, "reported_loyalty")
    assert (found["overlap"], found["association"], found["negative control"]) == ("passed", "passed", "untestable")


def test_a_favour_that_is_denied_fails_the_negative_control(favoured: Inputs) -> None:
    """Offices favour the loyal by 1 logit per sd; taken to favour nobody, they gave too well."""
    cells = favoured.cells["joint"].assign(favour=0.0, estimated=0.0)
    found = answers(replace(favoured, cells={"joint": cells}), "joint")
    assert found["negative control"] == "failed"
    assert found["overlap"] == "passed"


def test_a_second_factor_in_two_items_fails_the_association(tmp_path: Path) -> None:
    """Two items that half of the people answer alike, whatever their loyalty, go together too closely."""

    def joined(table: pd.DataFrame) -> pd.DataFrame:
        alike = np.random.default_rng(3).uniform(size=len(table)) < 0.5
        return table.assign(trust=table["trust"].where(~alike, table["pride"]))

    found = answers(fake_fits.study(tmp_path, WORLD, joined), "joint")
    assert found["association"] == "failed"
    assert found["negative control"] == "passed"


def test_people_who_answer_all_alike_are_flagged_and_take_nothing_away(tmp_path: Path) -> None:
    """A third of people say to all items what they said to the first: worth a word, and no cause is lost for it."""

    def straight(table: pd.DataFrame) -> pd.DataFrame:
        lined = np.random.default_rng(4).uniform(size=len(table)) < 0.33
        return table.assign(**{n: table[n].where(~lined, table["pride"]) for n in THREE})

    inputs = fake_fits.study(tmp_path, APART, straight)
    rows = ledger.ledger(fake_fits.fits(inputs, spread=TIGHT), inputs)
    styles = [row for row in rows if row["check"] == "reporting style"]
    assert [(row["answer"], row["required"]) for row in styles] == [("flagged", False)]


@pytest.mark.parametrize(("mark", "answer"), [(0.25, "failed"), (0.0, "passed")])
def test_receivers_who_were_loyal_before_fail_models_that_know_no_favour(
    tmp_path: Path, mark: float, answer: str
) -> None:
    """Apart, loyalty from before is compared with and without a gift: alike it passes, a quarter apart it fails."""

    def before(table: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(5)
        loyal = rng.uniform(size=len(table)) < 0.5 + mark * (table["gift"] - 0.5) * 2
        return table.assign(earlier=np.where(loyal, "yes", "no"))

    def changed(record: dict[str, Any]) -> dict[str, Any]:
        return {"columns": record["columns"] | {"loyalty_before": ["earlier"]},
                "levels": record["levels"] | {"earlier": ["no", "yes"]}}  # fmt: skip

    inputs = with_before(tmp_path, before, changed)
    assert answers(inputs, "reported_loyalty")["negative control"] == answer
    assert answers(inputs, "market_participation")["negative control"] == answer


def with_before(
    folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame], changed: Callable[[dict[str, Any]], dict[str, Any]]
) -> Inputs:
    """The world apart with a question from before, and a ROPE of ten points: what it finds can be surely small."""
    record = tomllib.loads(study_of(APART, APART.models))
    return fake_fits.study(folder, APART, change, estimands={"rope": 0.1}, **changed(record))


def test_a_district_where_everyone_receives_has_no_counterparts(tmp_path: Path) -> None:
    """With standing that decides nearly everything most people have none, and the check fails with their share."""
    world = APART.model_copy(
        update={"truth": {"gift_allocation": {"intercept": -0.5, "standing": {
            "songbun: core": 12.0, "songbun: hostile": 12.0, "household": 0.0}}}}
    )  # fmt: skip
    inputs = fake_fits.study(tmp_path, world)
    rows = ledger.ledger(fake_fits.fits(inputs, spread=TIGHT), inputs)
    row = next(row for row in rows if row["check"] == "overlap")
    assert row["answer"] == "failed"
    assert row["value"] > 0.4


def test_a_share_that_no_district_has_had_is_not_supported(apart: Inputs) -> None:
    """Coverage 99% is compared, which no office gave."""
    estimands = apart.study.estimands.model_copy(update={"coverage": (0.3, 0.99)})
    beyond = replace(apart, study=apart.study.model_copy(update={"estimands": estimands}))
    asked = Asked(beyond.models[1], fake_fits.fits(beyond), beyond)
    assert checks.support(asked).answer is Answer.FAILED
    assert checks.support(Asked(apart.models[1], {}, apart)).answer is Answer.PASSED


def test_what_no_check_can_reach_is_untestable_and_what_a_design_lacks_is_not_assumed(apart: Inputs) -> None:
    """No model of who receives: overlap is untestable. One wave: coverage by chance is another assumption."""
    rows = ledger.ledger(fake_fits.fits(apart), replace(apart, models=apart.models[1:2]))
    known = {row["assumption"]: row for row in rows}
    assert known["overlap"]["answer"] == "untestable"
    assert "does not model who receives" in known["overlap"]["sentence"]
    assert (known["exposure"]["check"], known["exposure"]["answer"]) == ("", "untestable")
    assert "wave to wave" in known["coverage by chance"]["says"]
    assert "no anticipation" not in known
    still = apart.cells["reported_loyalty"]
    still = still.assign(coverage_rate=still["coverage_rate"].mean("wave").broadcast_like(still["coverage_rate"]))
    lasting = replace(apart, cells={**apart.cells, "reported_loyalty": still})
    found = Asked(apart.models[1], {}, lasting).features
    assert "lasting coverage" in found


def test_a_ledger_is_plain_and_names_checks_that_exist(favoured: Inputs) -> None:
    """It is JSON; every check is one that can be asked, and a check that nobody names is not there."""
    rows = ledger.ledger(fake_fits.fits(favoured, shape=(2, 5)), favoured)
    assert json.loads(json.dumps(rows)) == rows
    assert {a.check for a in ledger.ASSUMPTIONS} - {""} == set(ledger.CHECKS)
    assert all(row["check"] in ("", *ledger.CHECKS) for row in rows)
