"""What assuming that offices favour nobody costs: the stored run of `benchmarks/favour.py`, held against its claims."""

from __future__ import annotations

import json
import statistics
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def stored(repo: Path) -> dict[str, Any]:
    """The numbers of the run."""
    table: dict[str, Any] = json.loads((repo / "models" / "joint" / "favour.json").read_text(encoding="utf-8"))
    return table


def at(stored: dict[str, Any], favour: float) -> dict[str, Any]:
    """The fit with this favour set."""
    (found,) = (point for point in stored["points"] if point["favour"] == favour)
    return dict(found)


def test_the_run_is_of_the_model_as_it_is(repo: Path, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, twin, priors, estimands and engines are those that the numbers were made with."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    assert stored["binding"] == import_module("favour").binding()


def test_at_the_true_favour_the_effect_is_found(stored: dict[str, Any]) -> None:
    """The 95 % interval of the direct effect holds its truth."""
    found = at(stored, stored["truth"]["favour"])["loyalty_direct"]
    assert found["lower"] < stored["truth"]["loyalty_direct"] < found["upper"]


def test_without_favour_the_effect_is_missed_by_far(stored: dict[str, Any]) -> None:
    """As every regression has it, the effect is more than four posterior sd above its truth."""
    found = at(stored, 0.0)["loyalty_direct"]
    assert found["mean"] - stored["truth"]["loyalty_direct"] > 4 * found["sd"]


def test_answers_from_before_the_gift_tell_favour_and_effect(stored: dict[str, Any]) -> None:
    """Where loyalty was asked before, the 95 % intervals of favour and of the effect hold their truths."""
    for name, truth in stored["truth"].items():
        assert stored["estimated"][name]["lower"] < truth < stored["estimated"][name]["upper"]


def test_the_curve_falls_from_the_one_to_the_other(stored: dict[str, Any]) -> None:
    """On the latent scale each step of favour takes from the effect; every fit settled."""
    means = [point["loyalty_direct"]["mean"] for point in stored["points"]]
    assert all(high > low for high, low in pairwise(means))
    assert all(point["settled"] for point in stored["points"])


def test_a_curve_of_nine_points_costs_no_more_than_ten_fits(stored: dict[str, Any]) -> None:
    """All points are drawn by the one compiled model, each about as long as the fit that estimates favour."""
    assert len(stored["points"]) == 9
    assert sum(point["seconds"] for point in stored["points"]) <= 10 * stored["estimated"]["seconds"]


def test_four_hundred_effective_draws_take_twenty_five_seconds_of_two_cores(stored: dict[str, Any]) -> None:
    """Of three fits each has them for every parameter; the median fit, which noise moves less, takes no longer."""
    assert all(ess >= 400 for run in stored["quick"] for ess in run["ess"].values())
    assert statistics.median(run["seconds"] for run in stored["quick"]) <= 25


def test_the_card_shows_the_picture_of_these_numbers(
    repo: Path, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn again from the stored numbers it is the same picture, and the card points to it."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    folder = repo / "models" / "joint"
    assert import_module("favour").picture(stored).svg() == (folder / "favour.svg").read_bytes()
    assert "(favour.svg)" in (folder / "card.md").read_text(encoding="utf-8")
