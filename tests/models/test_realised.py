"""How pooled effects are sampled: as deviates where few people tell them, as they are where many do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import toys

from largesse import models
from largesse.models import contract
from largesse.sampling import fit
from largesse.settings import Sampler

MODEL = models.get("gift_allocation")  # the quickest to compile
POOLED = {"district_effect", "district_wave"}


def constructs(cells: Any) -> dict[str, str]:
    """Pooled parameter -> how it is sampled."""
    return {p.name: p.construct for p in MODEL.realised(cells) if p.name in POOLED}


def test_many_people_are_counted_for_each_element(toy: toys.Toy) -> None:
    """A district has all its waves' people, a district's change in a wave those of that wave."""
    cells = toy.cells[MODEL.name]
    people, districts, waves = float(cells["count"].sum()), cells.sizes["district"], cells.sizes["wave"]
    assert constructs(cells) == dict.fromkeys(POOLED, "pooled")
    enough = contract.MANY * districts / people
    some = cells.assign(count=cells["count"] * enough * (1 + 1e-9))
    assert constructs(some) == {"district_effect": "effect", "district_wave": "pooled"}
    assert constructs(some.assign(count=some["count"] * waves)) == dict.fromkeys(POOLED, "effect")


def test_effects_that_are_mixed_with_others_stay_deviates(toy: toys.Toy) -> None:
    """The joint model's correlated effects are made of the deviates of those before."""
    joint = models.get("joint")
    cells = toy.cells["joint"]
    many = cells.assign(count=cells["count"] * 1e6)
    kept = {p.name: p.construct for p in joint.realised(many)}
    mixed = {name for p in joint.realised(many) if p.together for name in p.together.effects}
    assert {kept[name] for name in mixed} <= {"pooled", "correlated"}


def test_both_ways_are_one_density(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same effects they differ by the Jacobian alone: the sd, once for each dimension that is free."""
    cells, priors = toy.cells[MODEL.name], MODEL.priors()
    deviates = MODEL.build(cells, priors)
    monkeypatch.setattr(contract, "MANY", 0)
    effects = MODEL.build(cells, priors)
    rng = np.random.default_rng(1)
    point = {n: v + 0.3 * rng.normal(size=np.shape(v)) for n, v in deviates.initial_point().items()}
    scaled, jacobian = {}, 0.0
    for name, value in point.items():
        effect = next((p for p in POOLED if name.startswith(f"{p}_z")), None)
        sd = np.exp(point[f"{effect.removesuffix('_effect')}_sd_log__"]) if effect else 1.0
        scaled[name.replace("_z", "", 1) if effect else name] = value * sd
        jacobian += np.size(value) * np.log(sd)
    found = [m.compile_logp(mode="FAST_COMPILE")(at) for m, at in ((deviates, point), (effects, scaled))]
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
