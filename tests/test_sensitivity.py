"""The tipping curve: what is assumed, what nobody answered, and where the curve comes to nought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_fits
import numpy as np
import pytest

from largesse import sensitivity
from largesse.cells import Cells
from largesse.fits import Fit
from largesse.inputs import Inputs
from largesse.models.contract import NODES, Model
from largesse.priors import PriorSet
from largesse.sensitivity import Point, Tipping, assuming, quarters, tipping
from largesse.settings import Sampler
from largesse.simulators.graded import standard_normal_nodes
from largesse.synthetic import ITEM, World

WORLD = World(name="swept", seed=11, respondents=200, districts=5, modifiers=("songbun",), before={"earlier": ITEM})


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A synthetic study in which loyalty was asked before the gift too."""
    return fake_fits.study(tmp_path_factory.mktemp("swept"), WORLD)


def point(favour: float, mean: float, *, settled: bool = True) -> Point:
    """A point of a curve by hand."""
    numbers = {"mean": mean, "sd": 0.01, "lower": mean - 0.02, "upper": mean + 0.02}
    return Point(favour, {"loyalty.direct": numbers}, 0.5, 0.3, None, settled)


def test_without_favour_everybody_has_the_chance_of_the_office() -> None:
    """At favour 0 all quarters of people receive alike; otherwise they differ around the same coverage."""
    assert quarters(0.0, 0.3) == pytest.approx((0.3, 0.3), abs=1e-9)
    bottom, top = quarters(0.7, 0.3)
    assert bottom < 0.3 < top
    assert quarters(-0.7, 0.3) == pytest.approx((top, bottom), abs=1e-9)


def test_a_curve_comes_to_nought_on_the_straight_line_between_its_points() -> None:
    """From 6 points at favour 0 to 2 below nought at 1 the way is three quarters; unsettled points do not count."""
    curve = Tipping((point(0.0, 0.06), point(0.5, -9.0, settled=False), point(1.0, -0.02)))
    assert curve.crossing("loyalty.direct") == pytest.approx(0.75)
    assert curve.crossing("loyalty.direct", 0.03) == pytest.approx(0.375)
    assert curve.crossing("loyalty.direct", 0.09) is None


def test_of_several_crossings_the_one_nearest_to_no_favour_counts() -> None:
    """A curve that crosses at -0.5 and at 1 would be overturned by the smaller favour."""
    curve = Tipping((point(-1.0, -0.02), point(0.0, 0.02), point(2.0, -0.02)))
    assert curve.crossing("loyalty.direct") == pytest.approx(-0.5)


def test_a_curve_is_read_as_it_was_stored(tmp_path: Path) -> None:
    """Stored and read again, a curve is the same."""
    curve = Tipping((point(0.0, 0.06), point(1.0, -0.02)))
    curve.save(tmp_path / "curve.json")
    assert Tipping.read(tmp_path / "curve.json") == curve


def test_a_silent_item_and_a_set_favour_leave_the_likelihood_of_what_was_asked_after(inputs: Inputs) -> None:
    """Whatever the parameters of the items from before, the data at favour .4 are those of a study without them."""
    (model,) = inputs.models
    cells = assuming(0.4, model, inputs).cells["joint"]
    fewer = cells.isel(item=np.flatnonzero(cells["role"].to_numpy() != "loyalty_before"))
    truth = {name: np.asarray(v)[None] for name, v in (inputs.truth or {})["joint"].items()}
    kept = {name: v for name, v in truth.items() if not name.startswith(("before", "favour"))}
    nodes = standard_normal_nodes(NODES[0])
    np.testing.assert_allclose(
        model.twin.loglik(truth, cells, nodes), model.twin.loglik(kept, fewer, nodes), rtol=1e-12
    )


def test_the_whole_curve_is_data_of_one_compiled_model(inputs: Inputs) -> None:
    """Cells at any favour have the terms, names and array shapes of the study's own: nothing is compiled again."""
    (model,) = inputs.models
    own = model.arrays(inputs.cells["joint"], NODES[0])
    for favour in (-0.5, 1.0):
        cells = assuming(favour, model, inputs).cells["joint"]
        assert model.active(cells) == model.active(inputs.cells["joint"])
        made = model.arrays(cells, NODES[0])
        assert {n: (v.shape, v.dtype) for n, v in made.items()} == {n: (v.shape, v.dtype) for n, v in own.items()}


def test_each_point_is_fitted_at_its_favour_and_told_on_the_scale_of_the_outcome(inputs: Inputs) -> None:
    """The sampler is asked once for each favour of the study's grid; effects lie within the range of the outcome."""
    asked: list[float] = []

    def sample(model: Model, cells: Cells, priors: PriorSet, sampler: Sampler, **_: Any) -> Fit:
        assert (priors, sampler) == (inputs.priors["joint"], sensitivity.SAMPLER)
        asked.append(float(cells["favour"]))
        assert float(cells["estimated"]) == 0
        center: Mapping[str, Any] = {
            **fake_fits.center(inputs, model),
            "loyalty_direct": np.asarray(1 - float(cells["favour"])),
        }
        return fake_fits.fake(model, cells, center)

    grid = (0.0, 0.5, 1.5)
    study = inputs.study.model_copy(update={"estimands": inputs.study.estimands.model_copy(update={"favours": grid})})
    curve = tipping(inputs.models[0], replace(inputs, study=study), sample)
    assert tuple(asked) == grid
    means = [p.effects["loyalty.direct"]["mean"] for p in curve.points]
    assert means[0] > means[1] > means[2]
    assert all(-1 < p.effects[name]["lower"] < p.effects[name]["upper"] < 1 for p in curve.points for name in p.effects)
