"""Who supports and who says what they do not mean: the stored clones of `benchmarks/prevalence.py`, against claims."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import designs
import numpy as np
import pytest
from scipy.special import expit, logit

from largesse import models
from largesse.cloning import CLONINGS, measured

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def stored(repo: Path) -> dict[str, Any]:
    """The numbers of the run."""
    path = repo / "models" / "sincere_support" / "prevalence.json"
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def test_the_run_is_of_the_model_as_it_is(repo: Path, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, priors, cells and engines are those of the numbers, and copies as many as the bounds are for."""
    monkeypatch.syspath_prepend(repo / "benchmarks")
    assert stored["binding"] == import_module("prevalence").binding()
    assert stored["times"] == CLONINGS["counts"].times


def test_effective_draws_are_as_many_as_ratios_need(stored: dict[str, Any]) -> None:
    """A thousand: the ratio of two sds is then known to 3 %."""
    assert all(row[run]["ess"] >= 1000 for row in stored["found"].values() for run in ("once", "cloned"))


@pytest.mark.parametrize("share", ["prevalence", "under", "over", "yes"])
def test_a_list_and_a_direct_question_tell_all_shares(stored: dict[str, Any], share: str) -> None:
    """More of the same answers settle who supports, and who says no or yes against their mind."""
    assert measured(stored["found"][share]["ratio"], "counts") == "estimable"


def alone(people: int, draws: int = 40_000) -> dict[str, Array]:
    """Unknown -> [draw] by one direct question of so many people, half with a gift, 55 and 62 % of whom say yes.

    No sampler: prevalence and the effect on it are drawn from their priors, the two shares of yes from what was
    answered; nobody says yes against their mind. Then under-reporting and its change follow, and each draw counts by
    their prior density and the derivatives of the change of variables.
    """
    rng, priors = np.random.default_rng(3), models.get("sincere_support").priors()
    intercept, effect = (priors[n].rvs(rng, (draws,)) for n in ("sincere_intercept", "sincere_direct"))
    support = expit(np.stack([intercept, intercept + effect]))
    shares = np.array([[0.55], [0.62]])
    yes = rng.beta(1 + shares * people / 2, 1 + (1 - shares) * people / 2, size=(2, draws))
    under = 1 - yes / support
    possible = (under > 0).all(axis=0)
    odds = logit(np.where(under > 0, under, 0.5))
    weight = np.exp(priors["under_intercept"].logpdf(odds[0]) + priors["willing_direct"].logpdf(odds[0] - odds[1]))
    weight *= possible / np.prod(support * under * (1 - under), axis=0)
    kept = rng.choice(draws, size=draws // 4, p=weight / weight.sum())
    unknown = {"sincere_intercept": intercept, "sincere_direct": effect}
    unknown |= {"under_intercept": odds[0], "willing_direct": odds[0] - odds[1], "prevalence": support[0]}
    return {name: values[kept] for name, values in unknown.items()}


def test_a_direct_question_alone_settles_nothing() -> None:
    """Sixteen times the people leave prevalence and each unknown as wide as it was; the share of yes has a quarter.

    So it is declared, of every unknown that such a study has.
    """
    once, cloned = alone(2400), alone(16 * 2400)
    ratios = {name: cloned[name].std() / once[name].std() for name in once}
    assert {measured(ratio, "counts") for ratio in ratios.values()} == {"prior_driven"}
    cells = designs.cells("a direct question alone", "sincere_support")
    declared = {p.name: p.status for p in models.get("sincere_support").active(cells)[0]}
    assert {*ratios} - {"prevalence"} <= {*declared}
    assert {*declared.values()} == {"prior_driven"}
