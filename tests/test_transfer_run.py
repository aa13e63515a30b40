"""What is lost when a posterior travels as a file: the stored run of `benchmarks/transfer.py`, held to its limits."""

from __future__ import annotations

import json
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

MEAN, SD = 0.15, 0.1  # of the whole survey's sd; of the sd itself
OF_SDS: Final = (0.25, 0.2)  # the same, of sds of districts: there are few districts
LEAST: Final = 20_000  # effective draws
LEFT: Final = 0.2  # of a bias of 3 sds, where one block is wrong


@pytest.fixture(scope="module")
def stored(repo: Path) -> dict[str, Any]:
    """The numbers of the run."""
    table: dict[str, Any] = json.loads((repo / "benchmarks" / "transfer.json").read_text(encoding="utf-8"))
    return table


def test_the_run_is_of_the_code_as_it_is(repo: Path, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, priors, engines and all that lends and borrows are those that the numbers were made with."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    assert stored["binding"] == import_module("transfer").binding()


def test_a_half_that_borrows_the_other_knows_what_the_whole_survey_does(stored: dict[str, Any]) -> None:
    """Of every number of people and offices at large mean and sd are those of the fit to the whole survey."""
    found, whole = stored["powers"][0]["found"], stored["whole"]
    assert stored["powers"][0]["power"] == 1
    assert set(found) == set(whole)
    for name, known in whole.items():
        mean, sd = OF_SDS if name in ("district_sd", "direct_sd") else (MEAN, SD)
        assert abs(found[name]["mean"] - known["mean"]) < mean * known["sd"], name
        assert abs(found[name]["sd"] / known["sd"] - 1) < sd, name


def test_the_two_are_compared_by_enough_draws(stored: dict[str, Any]) -> None:
    """20,000 effective draws of every number, on both sides."""
    for side in (stored["powers"][0]["found"], stored["whole"]):
        assert all(known["ess"] >= LEAST for known in side.values())


def test_nothing_that_could_travel_stayed(stored: dict[str, Any]) -> None:
    """All but the districts' own effects was normal on some scale."""
    assert {left["name"] for left in stored["left"]} == {"district_effect", "direct_district"}


def test_without_the_file_the_half_knows_less(stored: dict[str, Any]) -> None:
    """The comparison would notice: alone, the second half misses the limits in most numbers."""
    alone, whole = stored["alone"], stored["whole"]
    missed = [name for name, known in whole.items() if alone[name]["sd"] / known["sd"] - 1 > SD]
    assert len(missed) > len(whole) / 2


def test_discounts_order_sds_and_respondents(stored: dict[str, Any]) -> None:
    """Less power: fewer pseudo-respondents of every block, and wider posteriors of all that answers speak to."""
    for more, less in pairwise(stored["powers"]):
        assert more["power"] > less["power"]
        assert more["all"] > less["all"]
        assert all(less["worth"][block] <= worth for block, worth in more["worth"].items())
        for name in ("direct", "covariate_effect[songbun: core]", "disposition_sd", "cutpoint[pride: 2|3]"):
            assert more["found"][name]["sd"] < less["found"][name]["sd"] < 1.02 * stored["alone"][name]["sd"], name


def test_a_block_that_is_wrong_is_not_borrowed(stored: dict[str, Any]) -> None:
    """Where borrowing in full ends 3 sds from the answer without it, even chances leave less than a fifth of that."""
    for conflict in stored["conflicts"]:
        full, robust = conflict["1"]["off"], conflict["0.5"]["off"]
        for name in (name for name, row in full.items() if row["block"] == conflict["block"]):
            assert abs(full[name]["off"]) == pytest.approx(3, abs=0.6), name  # put there by a normal, found by a fit
            assert abs(robust[name]["off"]) < LEFT * abs(full[name]["off"]), name


def test_blocks_that_agree_keep_their_borrowing(stored: dict[str, Any]) -> None:
    """They hold as probably as where nothing is wrong; what the answers speak to, more probably than was thought."""
    agreed = stored["agreed"]["held"]
    for conflict in stored["conflicts"]:
        held = conflict["0.5"]["held"]
        assert held[conflict["block"]] < 0.05
        for block in set(held) - {conflict["block"]}:
            assert held[block] > agreed[block] - 0.1, (conflict["block"], block)
