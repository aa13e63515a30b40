"""What offices' favour does to belief and words: the stored run of `benchmarks/support.py`, held against its claims."""

from __future__ import annotations

import json
import statistics
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def stored(repo: Path) -> dict[str, Any]:
    """The numbers of the run."""
    table: dict[str, Any] = json.loads((repo / "models" / "joint" / "support.json").read_text(encoding="utf-8"))
    return table


def test_the_run_is_of_the_models_as_they_are(
    repo: Path, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models, twins, priors, estimands and engines are those that the numbers were made with."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    assert stored["binding"] == import_module("support").binding()


def test_who_takes_receivers_for_people_like_the_rest_takes_favour_for_belief(stored: dict[str, Any]) -> None:
    """The gift changes no mind; without favour the 95 % intervals of support and of belief lie above the truth."""
    assert abs(stored["truth"]["sincere.direct"]) < 0.01
    for key in ("sincere.direct", "belief.direct"):
        found = stored["found"]["sincere_support"][key]
        assert found["lower"] > stored["truth"][key]


@pytest.mark.parametrize("key", ["said.direct", "sincere.direct", "belief.direct", "words.direct"])
def test_with_favour_minds_and_words_are_found(stored: dict[str, Any], key: str) -> None:
    """Receipt and answers together: every 95 % interval holds its truth."""
    found = stored["found"]["joint"][key]
    assert found["lower"] < stored["truth"][key] < found["upper"]


def test_four_hundred_effective_draws_of_a_thousand_respondents_take_ten_seconds(stored: dict[str, Any]) -> None:
    """Of three fits each has them for every parameter; the median fit, which noise moves less, takes no longer."""
    assert all(ess >= 400 for run in stored["quick"] for ess in run["ess"].values())
    assert statistics.median(run["seconds"] for run in stored["quick"]) <= 10


def test_the_card_shows_the_picture_of_these_numbers(
    repo: Path, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn again from the stored numbers it is the same picture, and the card points to it."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    folder = repo / "models" / "joint"
    assert import_module("support").picture(stored).svg() == (folder / "support.svg").read_bytes()
    assert "(support.svg)" in (folder / "card.md").read_text(encoding="utf-8")
