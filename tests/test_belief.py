"""Belief and words: the parts of an effect on what is said, by hand, in draws, and where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from largesse import belief, findings, models
from largesse.replicate import as_read
from largesse.sampling import fit
from largesse.settings import Sampler
from largesse.simulators.sincere_support import Said
from largesse.synthetic import World, simulate

SUPPORT = models.get("sincere_support")
BELIEF_ONLY = {"sincere_intercept": -0.35, "sincere_direct": 0.75, "willing_direct": 0.0}
WORDS_ONLY = {"sincere_intercept": 0.0, "sincere_direct": 0.0, "willing_direct": 0.75}
STILL = ("district_sd", "direct_sd", "spillover", "spillover_received", "between")  # nothing else moves anything
ELSEWHERE = {"under_intercept": -2.2, "over_intercept": -1.1, **{f"{on}_{term}": 0.0 for on in ("sincere", "willing")
             for term in STILL}}  # fmt: skip
SAMPLER = Sampler(draws=500, tune=500, chains=2)


def said(sincere: float, under: float, over: float) -> Said:
    """One draw of one person."""
    return Said(*(np.array([[value]]) for value in (sincere, under, over)))


def world(respondents: int, truth: dict[str, float]) -> World:
    """A list of three control items and a direct question, of a single kind of people in four districts."""
    return World(
        name="parts",
        seed=20261126,
        respondents=respondents,
        districts=4,
        categorical={},
        continuous={},
        items={},
        market=(),
        direct=True,
        control_items=3,
        truth={"sincere_support": {**ELSEWHERE, **truth}},
    )


def parts(respondents: int, truth: dict[str, float]) -> tuple[xr.Dataset, xr.Dataset]:
    """The effects that a fit finds, and the true ones."""
    inputs = as_read(simulate(world(respondents, truth)), SUPPORT, SUPPORT.priors())
    found = fit(SUPPORT, inputs.cells[SUPPORT.name], inputs.priors[SUPPORT.name], SAMPLER, seed=1)
    true = {name: np.asarray(value)[None] for name, value in (inputs.truth or {})[SUPPORT.name].items()}
    known = findings.quantities(true, found.nodes, SUPPORT, inputs)
    return findings.estimate(found, SUPPORT, inputs), xr.Dataset({n: v[0] for n, v in known.items()})


def interval(effects: xr.Dataset, name: str) -> tuple[float, float]:
    """The 95 % interval for everyone."""
    lower, upper = np.quantile(effects[name].isel(group=0), [0.025, 0.975])
    return float(lower), float(upper)


def test_parts_worked_out_by_hand() -> None:
    """.5 support, .1 of them say no, .2 of the others yes; then .6, .1 and .4.

    What is said goes from .55 to .70. Belief: .1 x (.7 + .5) / 2 = .06; words: .2 - .2 x .55 = .09.
    """
    mind, words = belief.changes(said(0.5, 0.1, 0.2), said(0.6, 0.1, 0.4))
    assert float(mind[0, 0]) == pytest.approx(0.06)
    assert float(words[0, 0]) == pytest.approx(0.09)


def test_parts_add_up_and_neither_depends_on_where_one_starts() -> None:
    """Over random states the parts sum to the change in what is said, and change sign when the states are swapped."""
    rng = np.random.default_rng(0)
    before, after = (Said(*rng.uniform(size=(3, 50, 20))) for _ in range(2))
    forth, back = belief.changes(before, after), belief.changes(after, before)
    np.testing.assert_allclose(sum(forth), after.yes - before.yes, atol=1e-12)
    for one, other in zip(forth, back, strict=True):
        np.testing.assert_allclose(one, -other, atol=1e-12)


@pytest.mark.parametrize(("part", "other"), [("belief", "words"), ("words", "belief")])
def test_one_part_alone_is_found_as_that_part(part: str, other: str) -> None:
    """Where only minds change words are nought, and the other way round."""
    moved = {"belief": said(0.8, 0.1, 0.2), "words": said(0.5, 0.0, 0.5)}[part]
    found = dict(zip(belief.PARTS, belief.changes(said(0.5, 0.1, 0.2), moved), strict=True))
    assert float(found[part][0, 0]) > 0
    assert float(found[other][0, 0]) == pytest.approx(0)


def test_no_share_is_told_of_an_effect_that_may_be_smaller_than_three_points() -> None:
    """An effect within 3 points has no verdict and no share; a clear one has both, if its draws are sure."""
    rng = np.random.default_rng(2)
    draws = {"said.direct": 0.1, "belief.direct": 0.02, "said.total": 0.02, "belief.total": 0.02}
    drawn = xr.Dataset({n: (("sample", "group"), rng.normal(v, 0.01, (4000, 1))) for n, v in draws.items()})
    told = belief.told(drawn, 0.9)
    assert told["direct"]["mostly"] == "words"
    assert told["direct"]["share"]["median"] == pytest.approx(0.2, abs=0.02)
    assert told["total"] == {"clear": told["total"]["clear"], "mostly": "cannot tell"}


@pytest.mark.parametrize(("truth", "mostly"), [(BELIEF_ONLY, "belief"), (WORDS_ONLY, "words")])
def test_forty_thousand_respondents_tell_belief_from_words(truth: dict[str, float], mostly: str) -> None:
    """A gift that moves one of the two alone, by some ten points: intervals hold the truth and exclude the reverse."""
    effects, true = parts(40_000, truth)
    assert 0.08 < float(true["said.direct"]) < 0.12
    other = "words" if mostly == "belief" else "belief"
    for name, excluded in ((mostly, 0.0), (other, float(true["said.direct"]))):
        lower, upper = interval(effects, f"{name}.direct")
        assert lower < float(true[f"{name}.direct"]) < upper
        assert not lower < excluded < upper
    assert belief.told(effects, 0.95)["direct"]["mostly"] == mostly


@pytest.mark.parametrize("truth", [BELIEF_ONLY, WORDS_ONLY])
def test_two_thousand_respondents_cannot_tell(truth: dict[str, float]) -> None:
    """The same gifts, and a survey of the usual size: the verdict is that it cannot tell."""
    effects, _ = parts(2_000, truth)
    assert belief.told(effects, 0.95)["direct"]["mostly"] == "cannot tell"


def test_a_direct_question_alone_tells_what_is_said_and_nothing_of_minds() -> None:
    """The effect on what is said is seen, and conditional as ever; sincere support is prior driven, not estimated."""
    alone = world(200, {}).model_copy(update={"control_items": None, "truth": {}})
    inputs = as_read(simulate(alone), SUPPORT, SUPPORT.priors())
    found = fit(SUPPORT, inputs.cells[SUPPORT.name], inputs.priors[SUPPORT.name], SAMPLER, seed=1)
    told = {e.key: e.status for e in findings.estimates(found, SUPPORT, inputs)}
    assert {key.partition(".")[0] for key in told} == {"said"}
    assert told["said.direct"] == "conditional"
    kept, _ = SUPPORT.active(inputs.cells[SUPPORT.name])
    status = {p.name: p.status for p in kept}
    assert status["sincere_intercept"] == status["sincere_direct"] == "prior_driven"
