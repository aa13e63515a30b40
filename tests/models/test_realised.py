"""How pooled effects are sampled: as deviates where few people tell them, partly centred where many do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest
import toys
from pymc.distributions.transforms import ZeroSumTransform
from scipy.linalg import helmert

from largesse import centring, models
from largesse.models import contract, wall
from largesse.sampling import CAUTIOUS, USUAL, acceptance, fit
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
    """No datum says what an effect is measured from, and the deviates are standard: what is certified is what was."""
    cells = toy.cells[MODEL.name]
    assert MODEL.realised(cells) == MODEL.active(cells)[0]
    assert not any(name.endswith((contract.TOLD, contract.TOWARDS)) for name in MODEL.data(cells))


def test_effects_that_are_mixed_with_others_stay_deviates(toy: toys.Toy) -> None:
    """The joint model's correlated effects are made of the deviates of those before."""
    joint = models.get("joint")
    cells = toy.cells["joint"]
    many = cells.assign(count=cells["count"] * 1e6)
    kept = {p.name: p.construct for p in joint.realised(many)}
    mixed = {name for p in joint.realised(many) if p.together for name in p.together.effects}
    assert {kept[name] for name in mixed} <= {"pooled", "correlated"}


@pytest.mark.parametrize("told", [0.0, 7.5, 1e4])
def test_wherever_effects_are_measured_from_the_density_is_the_same(
    toy: toys.Toy, monkeypatch: pytest.MonkeyPatch, told: float
) -> None:
    """At the same effects and sds they differ by the Jacobians alone: of deviates in another unit, and of the wall."""
    cells, priors, rng = toy.cells[MODEL.name], MODEL.priors(), np.random.default_rng(1)
    deviates = MODEL.build(cells, priors)
    monkeypatch.setattr(contract, "FEW", 0)
    partly = MODEL.build(cells, priors)
    point = {n: v + 0.3 * rng.normal(size=np.shape(v)) for n, v in deviates.initial_point().items()}
    moved, jacobian = dict(point), 0.0
    for effect in POOLED:
        log_sd = moved.pop(f"{effect.removesuffix('_effect')}_sd_log__")
        sd, transform = np.exp(log_sd), partly.rvs_to_transforms[partly[f"{effect.removesuffix('_effect')}_sd"]]
        wall = transform.forward(sd).eval()
        moved[f"{effect.removesuffix('_effect')}_sd_wall__"] = wall
        jacobian += log_sd - transform.log_jac_det(wall).eval()
        (name,) = (n for n in point if n.startswith(f"{effect}_z"))
        standard = moved.pop(name)
        if name.endswith("zerosum__"):
            standard = helmert(standard.size + 1) @ ZeroSumTransform([-1]).backward(pt.as_tensor(standard)).eval()
        towards = rng.normal(size=partly[effect + contract.TOWARDS].get_value().shape)
        towards -= towards.mean(axis=-1, keepdims=True)
        partly[effect + contract.TOLD].set_value(np.float64(told))
        partly[effect + contract.TOWARDS].set_value(towards)
        free = helmert(towards.size) @ towards if name.endswith("zerosum__") else towards
        unit = centring.unit(sd, told)
        moved[f"{effect}_z"] = (sd * standard - centring.weight(sd, told) * free) / unit
        jacobian += standard.size * np.log(sd / unit)
    found = [m.compile_logp(mode="FAST_COMPILE")(at) for m, at in ((deviates, point), (partly, moved))]
    assert found[0] == pytest.approx(found[1] + jacobian, rel=1e-10)


@pytest.mark.parametrize(("distribution", "arguments"), [("HalfNormal", {"sigma": 0.5}), ("Exponential", {"lam": 2.0})])
def test_a_wall_is_where_an_sd_may_be_zero_and_its_slope_is_that_of_differences(
    distribution: str, arguments: dict[str, float]
) -> None:
    """There and back again; a log-normal, whose density is zero at zero, is left on its log scale."""
    transform = wall.wall(distribution, arguments)["default_transform"]
    for value in (1e-6, 0.01, 0.3, 40.0):
        at = transform.forward(pt.constant(value)).eval()
        assert transform.backward(at).eval() == pytest.approx(value, rel=1e-9)
        slope = (transform.backward(at + 1e-4).eval() - transform.backward(at - 1e-4).eval()) / 2e-4
        assert np.exp(transform.log_jac_det(at).eval()) == pytest.approx(slope, rel=1e-6)
    assert wall.wall("LogNormal", {"mu": 0.0, "sigma": 1.0}) == {}


def test_no_deviates_are_left_where_the_usual_acceptance_is_aimed_at(toy: toys.Toy) -> None:
    """Few people, or some effects that few tell: cautious. Many for each: usual. None pooled: cautious, as ever."""
    cells = toy.cells[MODEL.name]
    people = float(cells["count"].sum())
    some = cells.assign(count=cells["count"] * contract.FEW * cells.sizes["district"] / people * (1 + 1e-9))
    for counted, aim in ((cells, CAUTIOUS), (some, CAUTIOUS), (cells.assign(count=cells["count"] * 1e3), USUAL)):
        assert acceptance(MODEL, counted) == aim
    assert acceptance(replace(MODEL, parameters=()), cells) == CAUTIOUS


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
