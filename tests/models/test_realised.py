"""How pooled effects are sampled: as deviates where few people tell them, partly centred where many do."""

from __future__ import annotations

import numpy as np
import pytest
import toys

from largesse import models
from largesse.models import contract
from largesse.models.contract import CENTRING
from largesse.sampling import fit
from largesse.settings import Sampler

MODEL = models.get("gift_allocation")  # the quickest to compile
POOLED = {"district_effect", "district_wave"}


def test_many_people_are_counted_for_each_element(toy: toys.Toy) -> None:
    """A district has all its waves' people, a district's change in a wave those of that wave."""
    cells = toy.cells[MODEL.name]
    people, districts, waves = float(cells["count"].sum()), cells.sizes["district"], cells.sizes["wave"]
    assert MODEL.centring(cells) == {}
    enough = contract.FEW * districts / people
    some = cells.assign(count=cells["count"] * enough * (1 + 1e-9))
    assert {*MODEL.centring(some)} == {"district_effect"}
    assert {*MODEL.centring(some.assign(count=some["count"] * waves))} == POOLED


def test_a_design_of_few_people_has_the_graph_it_always_had(toy: toys.Toy) -> None:
    """No datum says how far to centre, and the deviates are standard: what is certified is what was."""
    cells = toy.cells[MODEL.name]
    assert MODEL.realised(cells) == MODEL.active(cells)[0]
    assert not any(name.endswith(CENTRING) for name in MODEL.data(cells))


def test_effects_that_are_mixed_with_others_stay_deviates(toy: toys.Toy) -> None:
    """The joint model's correlated effects are made of the deviates of those before."""
    joint = models.get("joint")
    cells = toy.cells["joint"]
    many = cells.assign(count=cells["count"] * 1e6)
    kept = {p.name: p.construct for p in joint.realised(many)}
    mixed = {name for p in joint.realised(many) if p.together for name in p.together.effects}
    assert {kept[name] for name in mixed} <= {"pooled", "correlated"}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_at_any_share_the_density_is_the_same(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """At the same effects they differ by the Jacobian alone: a power of the sd for each dimension that is free."""
    cells, priors = toy.cells[MODEL.name], MODEL.priors()
    deviates = MODEL.build(cells, priors)
    monkeypatch.setattr(contract, "FEW", 0)
    partly = MODEL.build(cells, priors)
    for name in POOLED:
        partly[name + CENTRING].set_value(np.float64(share))
    rng = np.random.default_rng(1)
    point = {n: v + 0.3 * rng.normal(size=np.shape(v)) for n, v in deviates.initial_point().items()}
    scaled, jacobian = dict(point), 0.0
    for effect in POOLED:
        sd = np.exp(point[f"{effect.removesuffix('_effect')}_sd_log__"])
        for name in (n for n in point if n.startswith(f"{effect}_z")):
            scaled[name] = point[name] * sd**share
            jacobian += share * np.size(point[name]) * np.log(sd)
    found = [m.compile_logp(mode="FAST_COMPILE")(at) for m, at in ((deviates, point), (partly, scaled))]
    assert found[0] == pytest.approx(found[1] + jacobian, rel=1e-10)


@pytest.mark.slow
def test_a_draw_of_many_people_takes_as_many_gradients_as_one_of_few(toy: toys.Toy) -> None:
    """Everybody counted a hundred thousand times: at most 1.5 times the steps, where deviates take several times."""
    cells = toy.cells[MODEL.name]
    short = Sampler(draws=200, tune=300, chains=2)
    few = fit(MODEL, cells, sampler=short, seed=1)
    many = fit(MODEL, cells.assign(count=cells["count"] * 1e5, people=cells["people"] * 10**5), sampler=short, seed=1)
    steps = [float(f.tree["sample_stats"]["n_steps"].mean()) for f in (few, many)]
    assert steps[1] < 1.5 * steps[0]


@pytest.mark.slow
def test_the_short_run_changes_no_posterior(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody counted forty times, drawn as deviates and partly centred: every mean and sd agrees.

    With at least 400 effective draws on either side means differ by less than .3 sd (4 standard errors), sds by less
    than a quarter.
    """
    cells = toy.cells[MODEL.name]
    many = cells.assign(count=cells["count"] * 40, people=cells["people"] * 40)
    asked = Sampler(draws=2_000, tune=500, chains=2)
    partly = fit(MODEL, many, sampler=asked, seed=1).theta
    monkeypatch.setattr(contract, "FEW", np.inf)
    deviates = fit(MODEL, many, sampler=asked, seed=2).theta
    assert {*partly} == {*deviates}
    for name, draws in deviates.items():
        mean, sd = draws.mean(axis=0), draws.std(axis=0)
        assert np.max(np.abs(partly[name].mean(axis=0) - mean) / sd) < 0.3, name
        assert np.max(np.abs(partly[name].std(axis=0) / sd - 1)) < 0.25, name
