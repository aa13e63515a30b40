"""Other priors: weights by hand, what moves where the prior moves it, and no answer where draws cannot give one."""

from __future__ import annotations

import json
from typing import Any

import fake_fits
import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from largesse import findings, models, reweighting
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.synthetic import World

MODEL = models.get("reported_loyalty")
WORLD = World(name="reweighted", seed=3, respondents=200, truth={"reported_loyalty": {"direct": 1.0}})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A study in which a gift moves answers a good deal."""
    return fake_fits.study(tmp_path_factory.mktemp("reweighted"), WORLD)


def rows(inputs: Inputs, sd: float) -> dict[str, dict[str, Any]]:
    """Effect -> its row, of a fit around the truth in which the effect of a gift has this sd."""
    made = fake_fits.fake(MODEL, inputs.cells[MODEL.name], fake_fits.center(inputs, MODEL), (4, 250), spread=0.05)
    posterior = made.tree["posterior"].to_dataset()
    drawn = 1.0 + sd * np.random.default_rng(8).normal(size=posterior["direct"].shape)
    tree = made.tree.copy()
    tree["posterior"] = xr.DataTree(posterior.assign(direct=(("chain", "draw"), drawn)))
    fit = Fit(tree)
    effects = findings.estimate(fit, MODEL, inputs)
    told = tuple(findings.estimates(fit, MODEL, inputs, effects))
    return {row["key"]: row for row in reweighting.ranges(effects, fit, MODEL, inputs, told)}


def test_the_effects_that_are_weighed_are_those_of_the_draws_that_weigh(inputs: Inputs) -> None:
    """Of 4 chains of 600 draws every second is kept: in parameters and in effects the same ones."""
    fit = fake_fits.fake(MODEL, inputs.cells[MODEL.name], fake_fits.center(inputs, MODEL), (4, 600), spread=0.05)
    kept, few = reweighting._kept(fit), reweighting._thinned(fit)
    assert len(kept) == 1_200
    assert all(np.array_equal(values[kept], few.theta[name]) for name, values in fit.theta.items())
    both = [findings.estimate(f, MODEL, inputs)["loyalty.direct"].sel(group="").to_numpy() for f in (fit, few)]
    np.testing.assert_allclose(both[0][kept], both[1], rtol=1e-12)  # sums over other blocks of draws


def test_a_sceptical_prior_pulls_an_effect_towards_nought_and_a_wide_one_lets_it_go(inputs: Inputs) -> None:
    """The effect of a gift under three priors of its own: sceptical below as chosen below wide."""
    row = rows(inputs, 0.15)["loyalty.direct"]
    under = {other["name"]: other["mean"] for other in row["others"] if other["parameter"] == "direct"}
    assert under["sceptical"] < row["mean"] < under["wide"]


def test_the_mean_under_another_prior_is_that_of_normal_theory(inputs: Inputs) -> None:
    """Draws N(m, s) under N(0, a) are N(m', s') under N(0, b), with precision less 1/a^2 and more 1/b^2."""
    theta = np.random.default_rng(1).normal(0.6, 0.2, 4000)
    p = next(p for p in MODEL.parameters if p.name == "direct")
    prior = inputs.priors[MODEL.name]["direct"]
    other = next(a for a in prior.alternatives if a.name == "sceptical")
    both = [reweighting.log_density(p, q, {"direct": theta}, {}) for q in (prior, reweighting.instead(prior, other))]
    weight = np.exp(both[1] - both[0])
    a, b = float(prior.arguments["sigma"]), float(other.arguments["sigma"])
    precision = 1 / 0.2**2 - 1 / a**2 + 1 / b**2
    assert float(weight @ theta / weight.sum()) == pytest.approx(0.6 / 0.2**2 / precision, abs=0.01)
    np.testing.assert_allclose(both[0], norm.logpdf(theta, 0, a))


def test_where_few_draws_carry_the_weight_there_is_no_answer(inputs: Inputs) -> None:
    """Draws so wide that another prior keeps hardly any: k-hat is .7 or more, and no number is told."""
    found = [other for row in rows(inputs, 4.0).values() for other in row["others"]]
    assert any(other["khat"] >= 0.7 for other in found)
    assert all((other["mean"] is None) == (other["khat"] >= 0.7) for other in found)


def test_rows_are_plain_and_of_the_effects_that_lead_or_that_the_prior_drives(inputs: Inputs) -> None:
    """Two waves: nothing is prior-driven but what a design lacks, and each alternative has its row."""
    found = rows(inputs, 0.15)
    assert json.loads(json.dumps(found)) == found
    assert set(found) >= {"loyalty.direct", "loyalty.spillover"}
    named = {(other["parameter"], other["name"]) for other in found["loyalty.direct"]["others"]}
    assert named == {(p.name, a.name) for p, prior in reweighting._disputed(MODEL, inputs) for a in prior.alternatives}
    assert all(row["prior"] >= 0 and row["likelihood"] >= 0 for row in found.values())
