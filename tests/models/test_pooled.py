"""How pooled effects are sampled: as deviates, in a unit that their own sd and the number of people say."""

from __future__ import annotations

from itertools import batched
from typing import Any

import designs
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import toys

from largesse import centring, models
from largesse.cells import Cells
from largesse.models import contract, wall
from largesse.sampling import NESTED, USUAL, acceptance, fit
from largesse.settings import Sampler

Array = np.ndarray[Any, Any]

MODEL = models.get("gift_allocation")  # the quickest to compile


def test_people_are_counted_for_each_element(toy: toys.Toy) -> None:
    """A district has all its waves' people, a district's change in a wave those of that wave."""
    cells = toy.cells[MODEL.name]
    people, districts, waves = float(cells["count"].sum()), cells.sizes["district"], cells.sizes["wave"]
    data = MODEL.data(cells)
    assert data["district_effect" + contract.TOLD] == pytest.approx(centring.told(people / districts))
    assert data["district_wave" + contract.TOLD] == pytest.approx(centring.told(people / districts / waves))


@pytest.mark.parametrize("name", models.SHIPPED)
def test_every_effect_with_an_sd_of_its_own_is_drawn_so(name: str) -> None:
    """Those mixed with others too."""
    model, cells = models.get(name), designs.cells(designs.full(name), name)
    graph = model.build(cells, model.priors())
    pooled = model.pooled(cells)
    assert pooled
    for p in pooled:
        assert {p.name + contract.TOLD, p.name + contract.DEVIATE, p.free} <= set(graph.named_vars)


@pytest.mark.parametrize(("name", "told"), [("gift_allocation", 7.5), ("gift_allocation", 1e4), ("joint", 7.5)])
def test_in_whatever_unit_effects_are_drawn_the_density_is_the_same(toy: toys.Toy, name: str, told: float) -> None:
    """At the same effects and sds it differs by the Jacobian alone: of what is drawn, against standard deviates."""
    model, cells, rng = models.get(name), toy.cells[name], np.random.default_rng(1)
    graph = model.build(cells, model.priors())
    names = [p.name for p in model.pooled(cells)]
    free = [graph[p.free] for p in model.pooled(cells)]
    densities = graph.compile_logp(sum=False, mode="FAST_COMPILE")
    shown = [*free, *(graph[effect + contract.DEVIATE] for effect in names), *(graph[effect] for effect in names)]
    found = pm.compile(
        graph.value_vars, graph.replace_rvs_by_values(shown), mode="FAST_COMPILE", on_unused_input="ignore"
    )

    def at(told: float, point: dict[str, Array]) -> tuple[float, list[Array], list[Array]]:
        for effect in names:
            graph[effect + contract.TOLD].set_value(np.float64(told))
        drawn, deviates, effects = batched(found(**point), len(names), strict=True)
        ratios = [float(np.linalg.norm(z) / np.linalg.norm(d)) for z, d in zip(drawn, deviates, strict=True)]
        return sum(float(np.sum(of)) for of in densities(point)), ratios, list(effects)

    point = {n: v + 0.3 * rng.normal(size=np.shape(v)) for n, v in graph.initial_point().items()}
    before, standard, effects = at(0.0, point)
    np.testing.assert_allclose(standard, 1.0)
    moved, jacobian = dict(point), 0.0
    for variable, wide in zip(free, at(told, point)[1], strict=True):
        value = graph.rvs_to_values[variable].name
        moved[value] = wide * point[value]
        jacobian += point[value].size * np.log(wide)
    after, _, same = at(told, moved)
    for one, other in zip(effects, same, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    assert jacobian > 1
    assert after + jacobian == pytest.approx(before, rel=1e-10)


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


def test_more_acceptance_is_aimed_at_where_effects_lie_within_others(toy: toys.Toy) -> None:
    """A district's change in one wave lies within its level; its level and its gift's effect lie side by side."""
    assert acceptance(MODEL, toy.cells[MODEL.name]) == NESTED
    assert acceptance(MODEL, designs.cells("one wave", MODEL.name)) == USUAL
    assert acceptance(models.get("reported_loyalty"), toy.cells["reported_loyalty"]) == USUAL


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("reported_loyalty", 1.5), ("gift_allocation", 5.0)])
def test_many_people_take_no_more_gradients_than_few(name: str, most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody counted a hundred thousand times: the steps of few, where standard deviates take twice as many.

    Of who receives they may be five times as many: where very many people tell a district's level and its change in
    each wave, the two are known by their sum alone, a thin ridge.
    """
    model, cells = models.get(name), designs.cells("one item", name)
    many = cells.assign(count=cells["count"] * 1e5, people=cells["people"] * 10**5)

    def steps(cells: Cells) -> float:
        drawn = fit(model, cells, sampler=Sampler(draws=200, tune=300, chains=2), seed=1)
        return float(drawn.tree["sample_stats"]["n_steps"].mean())

    few, now = steps(cells), steps(many)
    assert now < most * few
    monkeypatch.setattr(centring, "PERSON", 0.0)
    assert steps(many) > 2 * now


@pytest.mark.slow
def test_the_unit_changes_no_posterior(toy: toys.Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody counted four times, drawn as it is and as standard deviates: every mean and sd agrees.

    With at least 400 effective draws on either side means differ by less than .3 sd (4 standard errors), sds by less
    than a quarter.
    """
    cells = toy.cells[MODEL.name]
    many = cells.assign(count=cells["count"] * 4, people=cells["people"] * 4)
    asked = Sampler(draws=4_000, tune=500, chains=2)
    as_it_is = fit(MODEL, many, sampler=asked, seed=1).theta
    monkeypatch.setattr(centring, "PERSON", 0.0)
    deviates = fit(MODEL, many, sampler=asked, seed=2).theta
    assert {*as_it_is} == {*deviates}
    for name, draws in deviates.items():
        mean, sd = draws.mean(axis=0), draws.std(axis=0)
        assert np.max(np.abs(as_it_is[name].mean(axis=0) - mean) / sd) < 0.3, name
        assert np.max(np.abs(as_it_is[name].std(axis=0) / sd - 1)) < 0.25, name
