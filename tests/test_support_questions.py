"""Studies of support as users have them: a short study file runs, and wrong layouts are refused with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_lists import AFFIRMATIVE, CONTROL, RACE

from largesse import checks, findings, models
from largesse.checks import Asked
from largesse.errors import InputError
from largesse.headcount import Headcount
from largesse.inputs import Inputs, gather
from largesse.instruments import counts, placebo, told
from largesse.results import Answer
from largesse.sampling import fit
from largesse.settings import Sampler
from largesse.study import Study

SUPPORT = models.get("sincere_support")
SHORT = """
name = "angry"
title = "A published list experiment"
question = "Who is angry?"
models = ["sincere_support"]
seed = 1
survey = { file = "survey.csv" }
columns = { gift = "south", list_count = "count", list_arm = "arm" }
instruments = { control_items = 3 }
"""


def people(treated: Mapping[str, tuple[int, ...]]) -> pd.DataFrame:
    """One row per respondent of a published experiment; the region stands in the place of the gift."""
    rows = [
        (arm, y, int(region == "south"))
        for arm, table in enumerate((CONTROL, treated))
        for region, each in table.items()
        for y, n in enumerate(each)
        for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["arm", "count", "south"])


def read(folder: Path, table: pd.DataFrame, study: str = SHORT) -> Inputs:
    """A study as a user has it: a survey and a study file."""
    table.to_csv(folder / "survey.csv", index=False)
    (folder / "study.toml").write_text(study, encoding="utf-8")
    return gather(Study.read(folder))


@pytest.mark.parametrize(
    ("treated", "other", "south"),
    [(RACE, (0.0054, 0.0560), (0.2587, 0.1058)), (AFFIRMATIVE, (0.397, 0.062), (0.791, 0.111))],
)
def test_published_prevalences_within_two_standard_errors(
    tmp_path: Path, treated: Mapping[str, tuple[int, ...]], other: tuple[float, float], south: tuple[float, float]
) -> None:
    """Ten lines of study file; posterior means of both regions lie within two published standard errors.

    Blair & Imai 2012. The race item outside the south was published at .0054: a model of types, which has no negative
    share, lies above it.
    """
    inputs = read(tmp_path, people(treated))
    found = fit(
        SUPPORT, inputs.cells[SUPPORT.name], inputs.priors[SUPPORT.name], Sampler(draws=1000, tune=500, chains=2)
    )
    means = {e.key: e.mean for e in findings.estimates(found, SUPPORT, inputs)}
    for key, (mean, se) in (("sincere.level.0", other), ("sincere.level.1", south)):
        assert abs(means[key] - mean) < 2 * se
    shown = told(inputs, SUPPORT.name, findings.estimate(found, SUPPORT, inputs), Headcount.of(inputs).support)
    assert shown["negative"] == (treated is RACE)


def test_counts_of_the_survey_are_those_of_the_published_table(tmp_path: Path) -> None:
    """Count and arm of every respondent come back as the table they were typed from."""
    cells = read(tmp_path, people(RACE)).cells[SUPPORT.name]
    assert counts(cells).control.tolist() == np.sum(list(CONTROL.values()), axis=0).tolist()
    assert counts(cells, (1,)).treated.tolist() == list(RACE["south"])


def test_groups_of_fewer_than_ten_in_an_arm_are_not_told(tmp_path: Path) -> None:
    """Nine of the south in the control arm: the group has no row of its own; everyone has."""
    table = people(RACE)
    kept = table[(table["arm"] == 1) | (table["south"] == 0) | (table.groupby(["arm", "south"]).cumcount() < 9)]
    inputs = read(tmp_path, kept)
    rows = _told(inputs)["groups"]
    assert [row["group"] for row in rows] == ["everyone", "without a gift"]


def _told(inputs: Inputs) -> dict[str, Any]:
    effects = findings.estimate(_drawn(inputs), SUPPORT, inputs)
    return told(inputs, SUPPORT.name, effects, Headcount.of(inputs).support)


def _drawn(inputs: Inputs) -> Any:
    return fit(SUPPORT, inputs.cells[SUPPORT.name], inputs.priors[SUPPORT.name], Sampler(draws=100, tune=200, chains=2))


PLACEBO = SHORT.replace(
    'list_arm = "arm" }', 'list_arm = "arm", placebo_count = "others", placebo_arm = "longer" }'
).replace("control_items = 3", "control_items = 3, placebo_items = 2")


def beside(table: pd.DataFrame, *, lose: bool) -> pd.DataFrame:
    """A placebo list of two items, with a third that applies to nobody; every fourth of the longer list loses one."""
    i = np.arange(len(table))
    longer, honest = i % 2, 1 + i // 2 % 2
    return table.assign(others=honest - (longer & (i // 4 % 2) if lose else 0), longer=longer)


@pytest.mark.parametrize(("lose", "answer"), [(False, Answer.PASSED), (True, Answer.FAILED)])
def test_a_placebo_list_tells_what_a_longer_list_loses(lose: bool, answer: Answer, tmp_path: Path) -> None:
    """Nothing lost of honest counts; half an item of a list of which every second count is one too low.

    The difference in means of the list of support is told with that made good.
    """
    inputs = read(tmp_path, beside(people(RACE), lose=lose), PLACEBO)
    found, plain = placebo(inputs), counts(inputs.cells[SUPPORT.name]).difference()
    assert found is not None
    assert found.lost == pytest.approx(0.5 if lose else 0.0, abs=0.01)
    asked = Asked(SUPPORT, {}, inputs)
    assert checks.placebo_list(asked).answer is answer
    assert "placebo" in asked.features
    told_ = _told(inputs)["placebo"]
    assert told_["made_good"]["mean"] == pytest.approx(plain.mean + found.lost, abs=5.1e-4)
    assert told_["made_good"]["se"] > plain.se


def test_a_placebo_item_that_applies_to_some_is_expected_to(tmp_path: Path) -> None:
    """Its share is no loss: a difference in means of nought, where a fifth were expected, has lost a fifth."""
    study = PLACEBO.replace("placebo_items = 2", "placebo_items = 2, placebo_share = 0.2")
    found = placebo(read(tmp_path, beside(people(RACE), lose=False), study))
    assert found is not None
    assert found.lost == pytest.approx(0.2, abs=0.01)


WRONG = {
    "a count above the list": (lambda t: t.assign(count=t["count"].where(t.index > 0, 4)), SHORT, "a count of 4"),
    "the treated alone": (lambda t: t[t["arm"] == 1], SHORT, "the single arm '1'"),
    "arms that are no 0 and 1": (lambda t: t.assign(arm=t["arm"] + 1), SHORT, "the arm '2'"),
    "no number of items": (lambda t: t, SHORT.replace("instruments = { control_items = 3 }", ""), "control_items"),
    "a count without its arm": (lambda t: t, SHORT.replace(', list_arm = "arm"', ""), "list_arm"),
    "a placebo without its arm": (
        lambda t: beside(t, lose=False),
        PLACEBO.replace(', placebo_arm = "longer"', ""),
        "placebo_arm",
    ),
    "a placebo count above its list": (
        lambda t: beside(t, lose=False).assign(others=9),
        PLACEBO,
        "placebo_items",
    ),
    "half an item": (lambda t: t.assign(count=t["count"] + 0.5), SHORT, "the count '0.5'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_layout_is_refused_with_what_was_found(name: str, tmp_path: Path) -> None:
    """Nothing is sampled, and the message names the column or key."""
    change, study, found = WRONG[name]
    with pytest.raises(InputError, match=found):
        read(tmp_path, change(people(RACE)), study)
